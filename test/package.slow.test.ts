import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { startByHand } from './hosts/by-hand.ts';
import { keeperOf } from './hosts/keeper.ts';
import { worldPerFile } from './hosts/lasting.ts';
import { installPackage, output as outputIn, type Package, ROOT, run } from './hosts/package.ts';
import { askJupyter, liveAndDie, serverRecord } from './hosts/servers.ts';
import { signalTo } from './hosts/signal.ts';
import { freePort } from './hosts/sshd.ts';
import { noProcessIsLeft } from './hosts/traces.ts';

/** The package as it is published, run from elsewhere. */

/** 500 kB of code, and 60 kB of the pages to which its README and help lead. */
const MAX_BYTES = 600_000;

const world = await worldPerFile();
let { folder, tarball, prefix }: Package = { folder: '', tarball: '', prefix: '' };
before(() => {
  ({ folder, tarball, prefix } = installPackage(world.laptop.env));
  mkdirSync(join(world.home, 'work'));
});

function output(words: readonly string[], cwd = '/'): string {
  return outputIn(words, { env: world.laptop.env, cwd });
}

test('the installed command runs from any folder, without other packages', async () => {
  await liveAndDie(world, (...words) => output([join(prefix, 'bin', 'remote-notebook'), ...words]));
});

test('the manual page is installed where man looks for it', () => {
  const page = readFileSync(join(prefix, 'share/man/man1/remote-notebook.1'), 'utf8');
  assert.match(page, /^\.TH REMOTE\\-NOTEBOOK 1 /m);
});

test('npx runs the command from the tarball, and --version prints the version in package.json and that it is the tarball', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.equal(
    output(['npx', '--yes', '--offline', `./${basename(tarball)}`, '--version'], folder),
    `${version} (tarball)\n`,
  );
});

test('the package is small, runs nothing during its installation, and has no dependencies', () => {
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

test('the package contains only JavaScript, types, scripts and texts', () => {
  const files = output(['tar', '-tzf', tarball]).trimEnd().split('\n');
  const kinds =
    /^package\/(dist\/.+\.(c?js|json|py|d\.ts|sh|bash|zsh|fish|1|txt)|docs\/.+\.md|[A-Z]+(\.md)?|package\.json)$/;
  assert.deepEqual(
    files.filter((file) => !kinds.test(file)),
    [],
  );
});

test('every page that README, docs/ and the help link to is in the package', () => {
  const here = join(prefix, 'lib/node_modules/remote-notebook');
  const pages = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.md'),
  );
  assert.ok(pages.includes('docs/reference/verbs.md'), pages.join(' '));
  for (const page of pages) {
    const text = readFileSync(join(here, page), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:\s]+\.md)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
    for (const link of links) assert.ok(existsSync(join(here, dirname(page), link)), `${page}: ${link}`);
  }
  const help = output([join(prefix, 'bin', 'remote-notebook'), 'start', '--help']);
  const named = [...help.matchAll(/docs\/\S+\.md/g)].map(([path]) => path);
  assert.ok(named.length > 0, help);
  for (const path of named) assert.ok(existsSync(join(here, path)), path);
});

test('the licence of every bundled package is included', () => {
  const text = readFileSync(join(prefix, 'lib/node_modules/remote-notebook/dist/LICENSES.txt'), 'utf8');
  const named = [...text.matchAll(/^-+\n(\S+) [\d.]+ \((.+)\)\n-+$/gm)];
  for (const name of ['yargs', 'yaml', 'valibot', 'zx', 'open'])
    assert.ok(
      named.some(([, other]) => other === name),
      name,
    );
  // Other licences may forbid this use.
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

test('a tunnel survives the removal of the package that opened it, and a cut after that; another copy can stop it', async () => {
  const project = projectWith();
  const words = ['loopback', '-F', world.sshd.sshConfig, '--directory', 'work', '--no-browser', '--json'];
  const here = join(project, 'node_modules/.bin/remote-notebook');
  const { tunnel } = JSON.parse(output([here, 'start', ...words]));
  const { token } = serverRecord(world.laptop);
  const status = () => askJupyter<{ version: string }>(tunnel.localPort, token, '/api/status');
  await status();
  const { ssh, keeper } = keeperOf(world.laptop);
  rmSync(join(project, 'node_modules'), { recursive: true });
  signalTo(ssh, 'SIGKILL');
  // Waits for the next ssh.
  await status();
  assert.notEqual(keeperOf(world.laptop).ssh?.pid, ssh?.pid);
  const there = join(prefix, 'bin', 'remote-notebook');
  assert.equal(JSON.parse(output([there, 'status', '--json'])).servers[0].tunnel.state, 'connected');
  assert.equal(keeperOf(world.laptop).keeper.pid, keeper.pid);
  assert.equal(JSON.parse(output([there, 'stop', '--json'])).outcome, 'shutdown');
  await noProcessIsLeft(world);
});

const SCRIPT = `import { allHostServers, forwardServer, hostServers, adoptServer, serverStatus, serverUrl, startServer, stopServer, UsageError } from 'remote-notebook';

const sshConfig = process.env.SSH_CONFIG;
const phases: string[] = [];
const onPhase = (name: string) => void phases.push(name);
const { name, joined } = await startServer('loopback', { sshConfig, directory: 'work', name: 'mine', onPhase });
const { joined: again } = await startServer('loopback', { sshConfig, directory: 'work', name: 'mine' });
const [status] = await serverStatus(name);
const { servers } = await hostServers('loopback', { sshConfig });
const hosts = (await allHostServers()).map((host) => 'servers' in host && host.servers.length > 0);
const own = servers.find(({ names }) => names.includes(name));
const theirs = servers.find(({ pid }) => String(pid) === process.env.THEIRS);
const found = await adoptServer('loopback', own?.pid ?? 0, { sshConfig });
const other = await adoptServer('loopback', theirs?.port ?? 0, { sshConfig, name: 'theirs' });
const page = await fetch(await serverUrl(name));
const { tunnel } = await forwardServer(name);
const mistake: unknown = await serverUrl('nothing').catch((error: unknown) => error);
const outcome = await stopServer(name);
await stopServer(other.name);
const left: number = (await serverStatus()).length;
const isUsage: boolean = mistake instanceof UsageError;
console.log(JSON.stringify({ joined, again, phases, hosts, server: status?.jupyter.state, found: found.name, other: [theirs?.startedBy, other.name, other.state, other.jupyter.adopted], page: page.status, tunnel: tunnel.state, isUsage, outcome, left }));
`;
const EXPECTED = {
  joined: false,
  again: true,
  hosts: [true],
  server: 'running',
  found: 'mine',
  other: ['other', 'theirs', 'connected', true],
  page: 200,
  tunnel: 'connected',
  isUsage: true,
  outcome: 'shutdown',
  left: 0,
};

test('a zx script that imports the library can start, join, list, show, forward and stop servers', async () => {
  // The list also has servers of other tests, whose user is the same.
  const { pid } = await startByHand(world, 'notebook', [`--port=${await freePort()}`]);
  world.laptop.env.THEIRS = String(pid);
  const project = projectWith('zx');
  const plain = SCRIPT.replace(/: (string\[\]|string|unknown|number|boolean)/g, '');
  writeFileSync(join(project, 'script.mjs'), `await $\`true\`;\n${plain}`);
  world.laptop.env.SSH_CONFIG = world.sshd.sshConfig;
  const { phases, ...seen } = JSON.parse(output([join(ROOT, 'node_modules/.bin/zx'), 'script.mjs'], project));
  assert.deepEqual(seen, EXPECTED);
  assert.deepEqual(phases.slice(0, 2), ['connect', 'launch']);
  await noProcessIsLeft(world);
});

test('the script in the page about scripts works as described', async () => {
  const page = readFileSync(join(ROOT, 'docs/how-to/scripts.md'), 'utf8');
  const script = /^```js\n(.*?)^```/ms.exec(page)?.[1] ?? '';
  const project = projectWith();
  const here = script.replace("'gpu', { directory: 'rne'", "'loopback', { sshConfig: process.env.SSH_CONFIG");
  writeFileSync(join(project, 'script.mjs'), here);
  world.laptop.env.SSH_CONFIG = world.sshd.sshConfig;
  assert.equal(output(['node', 'script.mjs'], project), 'loopback is started, with 0 kernels\n');
  await noProcessIsLeft(world);
});

test('the types accept a script that uses the whole library, and reject wrong uses', () => {
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
