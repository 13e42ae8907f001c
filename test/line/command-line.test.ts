import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Options } from 'yargs';
import { VERBS } from '../../src/commands/verbs.ts';
import {
  type CommandLine,
  readByYargs,
  readCommandLine,
  readUsualLine,
} from '../../src/line/command-line.ts';
import { SHARED_OPTIONS } from '../../src/line/verb.ts';

/** Two parsers read a command line: Node's own the usual ones, yargs all. Nobody may be able to tell which it was. */

const camelCase = (option: string) => option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** What a verb sees of its arguments. */
function seen({ verb, args }: CommandLine): Record<string, unknown> {
  const given: Record<string, unknown> = { ...args };
  const names = [
    ...Object.keys(verb.positionals ?? {}),
    ...Object.keys({ ...verb.options, ...SHARED_OPTIONS }),
  ];
  const spellings = names.flatMap((name) => [name, camelCase(name)]);
  const values = spellings.map((name) => [name, given[name]] as const);
  // To yargs, no word at all is an empty list.
  return Object.fromEntries(
    values.filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)),
  );
}

async function byYargs(line: readonly string[]): Promise<Record<string, unknown> | undefined> {
  const read = await readByYargs(line);
  return read && seen(read);
}

test('the value of a short option may stand right behind it, whatever it begins with', async () => {
  const read = await readCommandLine(['start', 'gpu', '-F../lab.conf', '-e.venv', '-dmy.data', '-p8890']);
  const args: Record<string, unknown> = { ...read?.args };
  assert.deepEqual(
    [args.F, args.environment, args.directory, args.port],
    ['../lab.conf', '.venv', 'my.data', 8890],
  );
});

const USUAL: readonly (readonly string[])[] = [
  ['start'],
  ['start', 'gpu'],
  ['start', 'me@host', '-d', 'rne', '-e', 'virtual_environment', '--port', '9000', '--local-port=8000'],
  ['start', 'ssh://me@host:2222', '-p', '8890', '-v', '-F', 'lab.conf', '--no-browser', '--json'],
  ['start', 'gpu', '--ssh-config', 'lab.conf', '--strict-port', '--socket', '--timeout', '90', '--dry-run'],
  ['start', 'gpu', '--setup', 'export A=1', '--setup', 'echo "b c"', '--idle-timeout', '8h'],
  ['start', 'gpu', '--name', 'one', '--name=two', '-d', 'a', '--directory', 'b', '--save', 'x', '--plain'],
  ['start', '--', 'gpu'],
  ['start', '-d', 'x', '--', '--gpu'],
  ['start', '--command', 'nice -n 10 jupyter lab', 'gpu', '-e', 'conda:ml'],
  ['forward', 'work', '6006', '8787:localhost:8787'],
  ['forward', '--json', '6006'],
  ['status', '-w', '--repair'],
  ['stop', '--all', '-y'],
  ['logs', '-f', '-n', '20', 'work'],
  ['open', 'work', '--print'],
  ['aliases', 'gpu', '--shell', 'zsh', '--install'],
  ['completion', '--uninstall'],
  ['config', 'check'],
  ['hosts', '-F', 'x'],
];

for (const line of USUAL) {
  test(`yargs need not be loaded for: ${line.join(' ')}`, async () => {
    const read = readUsualLine(line);
    assert.ok(read);
    assert.deepEqual(seen(read), await byYargs(line));
  });
}

const RARE: readonly (readonly string[])[] = [
  [],
  ['--help'],
  ['start', '--help'],
  ['start', 'gpu', '-h'],
  ['strat'],
  ['toString'],
  ['start', 'two', 'words'],
  ['start', 'gpu', '--port'],
  ['start', 'gpu', '--port', 'abc'],
  ['start', 'gpu', '--port', '-1'],
  ['start', 'gpu', '--port', '0x1f'],
  ['start', 'gpu', '--directory', '--json'],
  ['start', 'gpu', '--directory='],
  ['start', 'gpu', '--prot', '1'],
  ['start', 'gpu', '--localPort', '1'],
  ['start', 'gpu', '--socket=false'],
  ['start', ''],
  ['start', '-'],
  ['start', 'gpu', '-p9000'],
  ['logs', '-fn', '20'],
  ['aliases', '--shell', 'ksh'],
  ['aliases', '--install', '--uninstall'],
];

for (const line of RARE) {
  test(`yargs reads what is rare or wrong: ${JSON.stringify(line)}`, () => {
    assert.equal(readUsualLine(line), undefined);
  });
}

test('whatever Node reads of a command line, yargs reads the same', async () => {
  const options = Object.entries(VERBS).flatMap(([, verb]) =>
    Object.entries<Options>({ ...verb.options, ...SHARED_OPTIONS }).flatMap(([name, { alias = [] }]) =>
      [name, ...[alias].flat()].map((spelling) => `${spelling.length > 1 ? '--' : '-'}${spelling}`),
    ),
  );
  const value = fc.constantFrom(
    'gpu',
    'a b',
    '1',
    '007',
    '1e3',
    'true',
    'false',
    '--',
    '-x',
    '',
    '~/x',
    'ü=é',
  );
  const option = fc.constantFrom(...new Set(options));
  const word = fc.oneof(
    value,
    option,
    option.map((name) => name.replace(/^--/, '--no-')),
    fc.tuple(option, value).map(([name, given]) => `${name}=${given}`),
  );
  const line = fc.tuple(fc.constantFrom(...Object.keys(VERBS)), fc.array(word, { maxLength: 5 }));
  await fc.assert(
    fc.asyncProperty(line, async ([verb, words]) => {
      const read = readUsualLine([verb, ...words]);
      if (read) assert.deepEqual(seen(read), await byYargs([verb, ...words]));
    }),
    { numRuns: 3000 },
  );
});
