import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Which room may import which: downwards only. A file that lies in no folder of src is a room of its own. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  scripts: ['main'],
  cli: ['main', 'system'],
  main: ['commands', 'system', 'version'],
  commands: ['notebook', 'system'],
  notebook: ['jupyter', 'ssh', 'remote', 'system'],
  jupyter: ['system'],
  ssh: ['system'],
  remote: ['system'],
  system: [],
  version: [],
};

const IMPORT = /(?:from|import\(?)\s*'([^']+)'/g;

interface Import {
  readonly file: string;
  readonly target: string;
}

function importsOf(folder: string): Import[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
  return files.flatMap((file) => {
    const targets = [...readFileSync(join(root, file), 'utf8').matchAll(IMPORT)];
    return targets.map(([, target = '']) => ({ file, target }));
  });
}

/** `src/ssh/hosts.ts` is in `ssh`, `src/main.ts` is `main`, `scripts/start.ts` is in `scripts`. */
function roomOf(file: string): string {
  return file.replace(/^src\//, '').replace(/(\/.*|\.ts)$/, '');
}

function isOwn({ target }: Import): boolean {
  return target.startsWith('.');
}

const source = importsOf('src');
/** The demo and the pictures are no verbs: they stand beside the house, and use the tests' own sshd. */
const verbs = importsOf('scripts').filter(({ file }) => !/^scripts\/(demo|pictures)/.test(file));

test('each room imports only those below it', () => {
  const wrong = [...source, ...verbs].filter(isOwn).filter(({ file, target }) => {
    const [from, to] = [roomOf(file), roomOf(relative(root, join(root, dirname(file), target)))];
    return from !== to && !MAY_IMPORT[from]?.includes(to);
  });
  assert.deepEqual(wrong, []);
});

test('the table names each room that there is, and no other', () => {
  const rooms = new Set([...source, ...verbs].map(({ file }) => roomOf(file)));
  assert.deepEqual([...rooms].sort(), Object.keys(MAY_IMPORT).sort());
});

test('only the room of this machine starts processes', () => {
  const starters = source.filter(({ target }) => /^(node:child_process|zx|tree-kill|open$)/.test(target));
  assert.deepEqual([...new Set(starters.map(({ file }) => roomOf(file)))], ['system']);
});

test('no room of the product knows the tests', () => {
  assert.deepEqual(
    [...source, ...verbs].filter(({ target }) => target.includes('/test/')),
    [],
  );
});
