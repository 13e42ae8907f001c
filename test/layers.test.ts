import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');

/** The picture's arrows. A file directly in src is a module of its own. */
const ARROWS = [...page.matchAll(/^ {2}(\w+) --> (\w+)$/gm)].map(([, from = '', to = '']) => ({ from, to }));

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

/** `src/ssh/aliases.ts` is in `ssh`, `src/main.ts` is `main`, `scripts/start.ts` is in `scripts`. */
function roomOf(file: string): string {
  return file.replace(/^src\//, '').replace(/(\/.*|\.ts)$/, '');
}

function isOwn({ target }: Import): boolean {
  return target.startsWith('.');
}

const source = importsOf('src');
/** The build, the demo and the pictures are not verbs: they are not part of the picture, and use the tests' sshd. */
const verbs = importsOf('scripts').filter(({ file }) => !/^scripts\/(build|demo|reference)/.test(file));

/** Each pair of modules of which one imports the other, once. */
const crossings = [...source, ...verbs].filter(isOwn).flatMap(({ file, target }) => {
  const [from, to] = [roomOf(file), roomOf(relative(root, join(root, dirname(file), target)))];
  return from === to ? [] : [{ file, arrow: `${from} --> ${to}` }];
});

test('each module imports only modules to which the picture of the architecture has an arrow', () => {
  const allowed = ARROWS.map(({ from, to }) => `${from} --> ${to}`);
  assert.deepEqual(
    crossings.filter(({ arrow }) => !allowed.includes(arrow)),
    [],
  );
});

test('every arrow of the picture has an import', () => {
  const followed = new Set(crossings.map(({ arrow }) => arrow));
  assert.deepEqual(
    ARROWS.filter(({ from, to }) => !followed.has(`${from} --> ${to}`)),
    [],
  );
});

test('the arrows have no cycle', () => {
  const below = (room: string, path: readonly string[]): string[] => {
    assert.ok(!path.includes(room), [...path, room].join(' --> '));
    return ARROWS.filter(({ from }) => from === room).flatMap(({ to }) => below(to, [...path, room]));
  };
  for (const { from } of ARROWS) below(from, []);
});

test('no files import each other, directly or through other files', () => {
  const imports = new Map<string, string[]>();
  for (const { file, target } of source.filter(isOwn)) {
    const imported = relative(root, join(root, dirname(file), target));
    imports.set(file, [...(imports.get(file) ?? []), imported]);
  }
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    assert.ok(!path.includes(file), [...path, file].join(' --> '));
    if (done.has(file)) return;
    for (const imported of imports.get(file) ?? []) visit(imported, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
});

test('no source file is too long, and no module has too many files', () => {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => /\.(ts|sh)$/.test(name));
  const long = files.filter((name) => {
    const lines = readFileSync(join(root, 'src', name), 'utf8').split('\n').length - 1;
    return lines > 250;
  });
  assert.deepEqual(long, []);
  const folders = files.map((name) => dirname(name)).filter((folder) => folder !== 'commands');
  const full = [...new Set(folders)].filter(
    (folder) => folders.filter((other) => other === folder).length > 15,
  );
  assert.deepEqual(full, []);
});

test('the architecture page lists exactly the existing modules', () => {
  const rooms = new Set([...source, ...verbs].map(({ file }) => roomOf(file)));
  const told = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, room]) => room);
  assert.deepEqual(told.sort(), [...rooms].sort());
});

test('the files that the pages for contributors name exist', () => {
  const text = page + readFileSync(join(root, 'docs/contributing.md'), 'utf8');
  const named = text.matchAll(
    /`(?:(src|test|scripts)\/|(?=(?:server|jupyter|ssh|remote|system)\/))([\w./-]+)`/g,
  );
  const paths = [...named].map(([, top = 'src', path = '']) => join(top, path));
  assert.ok(paths.length > 20);
  for (const path of paths.filter((path) => !/VERB|NAME/.test(path)))
    assert.ok(existsSync(join(root, path)), path);
});

test('only the module "system" starts processes', () => {
  const starters = source.filter(({ target }) => /^(node:child_process|zx|tree-kill|open$)/.test(target));
  assert.deepEqual([...new Set(starters.map(({ file }) => roomOf(file)))], ['system']);
});

test('no module of the product imports the tests', () => {
  assert.deepEqual(
    [...source, ...verbs].filter(({ target }) => target.includes('/test/')),
    [],
  );
});
