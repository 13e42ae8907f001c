import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { startByHand } from './hosts/by-hand.ts';
import { worldPerFile } from './hosts/lasting.ts';
import { installPackage, output as outputIn, type Package, ROOT, run } from './hosts/package.ts';
import { liveAndDie } from './hosts/servers.ts';
import { freePort } from './hosts/sshd.ts';

/** The package as it is published, run from elsewhere. */

const MAX_BYTES = 400_000;

const world = await worldPerFile();
let { folder, tarball, prefix }: Package = { folder: '', tarball: '', prefix: '' };
before(() => {
  ({ folder, tarball, prefix } = installPackage(world.laptop.env));
  mkdirSync(join(world.home, 'work'));
});

function output(words: readonly string[], cwd = '/'): string {
  return outputIn(words, { env: world.laptop.env, cwd });
}

test('the installed command runs from any folder, with nothing beside it', () => {
  liveAndDie(world, (...words) => output([join(prefix, 'bin', 'remote-notebook'), ...words]));
});

test('the manual page is installed where man looks for it', () => {
  const page = readFileSync(join(prefix, 'share/man/man1/remote-notebook.1'), 'utf8');
  assert.match(page, /^\.TH REMOTE\\-NOTEBOOK 1 /m);
});

test('npx runs it from the tarball, and --version says what package.json does', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.equal(
    output(['npx', '--yes', '--offline', `./${basename(tarball)}`, '--version'], folder),
    `${version}\n`,
  );
});

test('the package is small, runs nothing when it is installed, and brings nothing else along', () => {
  assert.ok(statSync(tarball).size < MAX_BYTES, `${statSync(tarball).size} bytes`);
  const modules = join(prefix, 'lib', 'node_modules');
  assert.deepEqual(readdirSync(modules), ['remote-notebook']);
  const here = join(modules, 'remote-notebook');
  assert.equal(existsSync(join(here, 'node_modules')), false);
  const { scripts, dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  assert.equal(dependencies, undefined);
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
    assert.equal(scripts[name], undefined);
});

test('the package holds JavaScript, types, shell scripts and texts, and nothing else', () => {
  const files = output(['tar', '-tzf', tarball]).trimEnd().split('\n');
  const kinds = /^package\/(dist\/.+\.(c?js|d\.ts|sh|bash|zsh|fish|1|txt)|[A-Z]+(\.md)?|package\.json)$/;
  assert.deepEqual(
    files.filter((file) => !kinds.test(file)),
    [],
  );
});

test('each package that stands in the bundle has its licence beside it', () => {
  const text = readFileSync(join(prefix, 'lib/node_modules/remote-notebook/dist/LICENSES.txt'), 'utf8');
  const named = [...text.matchAll(/^-+\n(\S+) [\d.]+ \((.+)\)\n-+$/gm)];
  for (const name of ['yargs', 'yaml', 'valibot', 'zx', 'open'])
    assert.ok(
      named.some(([, other]) => other === name),
      name,
    );
  // Others may forbid what is done with it here.
  for (const [, name, licence = ''] of named)
    assert.match(licence, /^(MIT|ISC|Apache-2\.0|BlueOak-1\.0\.0|BSD-[23]-Clause)$/, name);
});

/** A folder of a user's own, in which the package is installed, and what their script needs. */
function projectWith(...others: readonly string[]): string {
  const project = mkdtempSync(join(folder, 'project-'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  output(['npm', 'install', '--offline', '--no-audit', tarball], project);
  for (const name of others) {
    mkdirSync(join(project, 'node_modules', dirname(name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
  }
  return project;
}

const SCRIPT = `import { forwardServer, hostServers, adoptServer, serverStatus, serverUrl, startServer, stopServer, UsageError } from 'remote-notebook';

const sshConfig = process.env.SSH_CONFIG;
const phases: string[] = [];
const onPhase = (name: string) => void phases.push(name);
const { name, joined } = await startServer('loopback', { sshConfig, directory: 'work', name: 'mine', onPhase });
const { joined: again } = await startServer('loopback', { sshConfig, directory: 'work', name: 'mine' });
const [status] = await serverStatus(name);
const { servers } = await hostServers('loopback', { sshConfig });
const own = servers.find(({ names }) => names.includes(name));
const theirs = servers.find(({ startedBy }) => startedBy === 'other');
const found = await adoptServer('loopback', own?.pid ?? 0, { sshConfig });
const other = await adoptServer('loopback', theirs?.port ?? 0, { sshConfig, name: 'theirs' });
const page = await fetch(await serverUrl(name));
const { tunnel } = await forwardServer(name);
const mistake: unknown = await serverUrl('nothing').catch((error: unknown) => error);
const outcome = await stopServer(name);
await stopServer(other.name);
const left: number = (await serverStatus()).length;
const isUsage: boolean = mistake instanceof UsageError;
console.log(JSON.stringify({ joined, again, phases, server: status?.jupyter.state, found: found.name, other: [other.name, other.state, other.jupyter.adopted], page: page.status, tunnel: tunnel.state, isUsage, outcome, left }));
`;
const EXPECTED = {
  joined: false,
  again: true,
  server: 'running',
  found: 'mine',
  other: ['theirs', 'connected', true],
  page: 200,
  tunnel: 'connected',
  isUsage: true,
  outcome: 'shutdown',
  left: 0,
};

test('a script for zx that imports it starts, joins, lists, shows, forwards and stops servers', async () => {
  await startByHand(world, 'notebook', [`--port=${await freePort()}`]);
  const project = projectWith('zx');
  const plain = SCRIPT.replace(/: (string\[\]|string|unknown|number|boolean)/g, '');
  writeFileSync(join(project, 'script.mjs'), `await $\`true\`;\n${plain}`);
  world.laptop.env.SSH_CONFIG = world.sshd.sshConfig;
  const { phases, ...seen } = JSON.parse(output([join(ROOT, 'node_modules/.bin/zx'), 'script.mjs'], project));
  assert.deepEqual(seen, EXPECTED);
  assert.deepEqual(phases.slice(0, 2), ['connect', 'launch']);
  assert.deepEqual(world.processes(), []);
});

test('the script of the page about scripts does what it says', () => {
  const page = readFileSync(join(ROOT, 'docs/how-to/scripts.md'), 'utf8');
  const script = /^```js\n(.*?)^```/ms.exec(page)?.[1] ?? '';
  const project = projectWith();
  const here = script.replace("'gpu', { directory: 'rne'", "'loopback', { sshConfig: process.env.SSH_CONFIG");
  writeFileSync(join(project, 'script.mjs'), here);
  world.laptop.env.SSH_CONFIG = world.sshd.sshConfig;
  assert.equal(output(['node', 'script.mjs'], project), 'loopback is started, with 0 kernels\n');
  assert.deepEqual(world.processes(), []);
});

test('its types hold for a script that uses all of it, and catch one that misuses it', () => {
  const project = projectWith('typescript', '@typescript', '@types/node', 'undici-types');
  const words = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    'node',
    '--ignoreConfig',
  ];
  const typed = (text: string) => {
    writeFileSync(join(project, 'script.ts'), text);
    const command = [join(ROOT, 'node_modules/.bin/tsc'), ...words, 'script.ts'];
    return run(command, { env: world.laptop.env, cwd: project });
  };
  const right = typed(SCRIPT);
  assert.equal(right.status, 0, right.stdout);
  const wrong = typed(SCRIPT.replace("directory: 'work'", 'directory: 7'));
  assert.match(wrong.stdout, /error TS2322: Type 'number' is not assignable to type 'string/);
});
