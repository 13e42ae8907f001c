import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { quietContext } from '../../src/system/context.ts';
import { outputOf, run } from '../../src/system/run.ts';

const context = quietContext(process.env);

test('an error names the program that is missing here', async () => {
  await assert.rejects(run(['no-such-program'], context), /^Failure: no-such-program is not installed/);
});

test('a program that is missing on the host is not reported as missing here', async () => {
  const { code } = await run(['sh', '-c', 'echo "bash: pkill: command not found" >&2; exit 127'], context);
  assert.equal(code, 127);
});

test('variables that configure zx for other scripts change nothing here', () => {
  const program = `
    const { run } = await import(${JSON.stringify(new URL('../../src/system/run.ts', import.meta.url).href)});
    const report = { command() {}, phase() {}, note() {}, progress() {}, phaseFailed() {}, passThrough() {} };
    const context = { env: process.env, signal: new AbortController().signal, report };
    console.log(JSON.stringify(await run(['sh', '-c', 'sleep 0.5; pwd'], context)));
  `;
  const ours = {
    ZX_TIMEOUT: '100ms',
    ZX_CWD: '/',
    ZX_POSTFIX: ' && no-such-program',
    ZX_PREFIX: 'no-such-program;',
  };
  const said = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    env: { ...process.env, ...ours },
    encoding: 'utf8',
  });
  assert.deepEqual(JSON.parse(said), { code: 0, stdout: `${process.cwd()}\n`, stderr: '' });
});

test('lines arrive complete: a letter in two chunks is not split, and the last line needs no line break', async () => {
  const lines: string[] = [];
  const printed = `${'日本\n'.repeat(40_000)}日`;
  await run(['cat'], context, { input: printed, onLine: (line) => void lines.push(line) });
  assert.deepEqual(lines, printed.split('\n'));
});

test('a command that ends without reading its input returns its output', async () => {
  const input = 'line\n'.repeat(200_000);
  const result = await run(['sh', '-c', 'exec <&-; echo no >&2; exit 3'], context, { input });
  assert.deepEqual(result, { code: 3, stdout: '', stderr: 'no\n' });
});

test('the output of a local command has no size limit', async () => {
  const answer = await outputOf(['seq', '1', '500000']);
  assert.match(answer, /\n500000\n$/);
});
