import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERBS } from '../../src/commands/verbs.ts';
import { readCommandLine } from '../../src/line/command-line.ts';

/** What a verb sees of its arguments, of those that are named. */
async function seen(line: readonly string[], names: readonly string[]): Promise<unknown[]> {
  const read = await readCommandLine(line, VERBS);
  const args: Record<string, unknown> = { ...read?.args };
  return names.map((name) => args[name]);
}

test('the value of a short option may stand right behind it, whatever it begins with', async () => {
  const line = ['start', 'gpu', '-F../lab.conf', '-e.venv', '-dmy.data', '-p8890'];
  assert.deepEqual(await seen(line, ['F', 'environment', 'directory', 'port']), [
    '../lab.conf',
    '.venv',
    'my.data',
    8890,
  ]);
});

test('what stands behind -- is a name, though it looks like an option', async () => {
  assert.deepEqual(await seen(['start', '-d', 'x', '--', '--gpu'], ['server', 'directory']), ['--gpu', 'x']);
  assert.deepEqual(await seen(['forward', 'work', '--', '6006', '7007'], ['server', 'ports']), [
    'work',
    ['6006', '7007'],
  ]);
});

test('an option that is given twice, in an alias and behind it, counts as it was given last', async () => {
  const line = ['start', 'gpu', '--name', 'one', '--name=two', '-d', 'a', '--directory', 'b'];
  assert.deepEqual(await seen(line, ['name', 'directory']), ['two', 'b']);
});

test('each line of --setup counts, in the order in which they are given', async () => {
  const line = ['start', 'gpu', '--setup', 'export A=1', '--setup', 'echo "b c"'];
  assert.deepEqual(await seen(line, ['setup']), [['export A=1', 'echo "b c"']]);
});

test('a name that looks like a number stays as it was typed', async () => {
  assert.deepEqual(await seen(['start', '007', '--save', '08'], ['server', 'save']), ['007', '08']);
});

test('help and --version are answered by the parser itself, and no verb runs', async (context) => {
  context.mock.method(console, 'log', () => {});
  for (const line of [['--help'], ['help'], ['help', 'start'], ['start', '-h'], ['start', '--version']])
    assert.equal(await readCommandLine(line, VERBS), undefined);
});
