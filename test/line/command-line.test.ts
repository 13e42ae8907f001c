import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERBS } from '../../src/commands/verbs.ts';
import { readCommandLine } from '../../src/line/command-line.ts';

/** The values of the named arguments that a verb receives. */
async function seen(line: readonly string[], names: readonly string[]): Promise<unknown[]> {
  const read = await readCommandLine(line, VERBS);
  const args: Record<string, unknown> = { ...read?.args };
  return names.map((name) => args[name]);
}

test('the value of a short option can follow it without a space, whatever it begins with', async () => {
  const line = ['start', 'gpu', '-F../lab.conf', '-e.venv', '-dmy.data', '-p8890'];
  assert.deepEqual(await seen(line, ['F', 'environment', 'directory', 'port']), [
    '../lab.conf',
    '.venv',
    'my.data',
    8890,
  ]);
});

test('a word after -- is an argument, even if it looks like an option', async () => {
  assert.deepEqual(await seen(['start', '-d', 'x', '--', '--gpu'], ['server', 'directory']), ['--gpu', 'x']);
  assert.deepEqual(await seen(['forward', 'work', '--', '6006', '7007'], ['server', 'ports']), [
    'work',
    ['6006', '7007'],
  ]);
});

test('if an option is given twice, in an alias and after it, the last value applies', async () => {
  const line = ['start', 'gpu', '--name', 'one', '--name=two', '-d', 'a', '--directory', 'b'];
  assert.deepEqual(await seen(line, ['name', 'directory']), ['two', 'b']);
});

test('every --setup applies, in the given order', async () => {
  const line = ['start', 'gpu', '--setup', 'export A=1', '--setup', 'echo "b c"'];
  assert.deepEqual(await seen(line, ['setup']), [['export A=1', 'echo "b c"']]);
});

test('a name that looks like a number is not changed', async () => {
  assert.deepEqual(await seen(['start', '007', '--save', '08'], ['server', 'save']), ['007', '08']);
});

test('--help and --version run no verb', async (context) => {
  context.mock.method(console, 'log', () => {});
  for (const line of [['--help'], ['help'], ['help', 'start'], ['start', '-h'], ['start', '--version']])
    assert.equal(await readCommandLine(line, VERBS), undefined);
});
