import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { configureJupyter } from '../hosts/configuration.ts';
import { worldFor } from '../hosts/lasting.ts';
import { done, started, statusOf, stderrOf } from '../hosts/servers.ts';
import { freePort, ownLocalPort } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import type { World } from '../hosts/world.ts';

/** A server listens on a private Unix socket of its host, or, where that is not possible, on a port. */

function listeners(pid: number): string[] {
  const lines = execFileSync('ss', ['-Hltnp'], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(`pid=${pid},`)).map((line) => line.split(/\s+/)[3] ?? '');
}

test('without --port, no port of the host leads to Jupyter, and only its user can connect', async (context) => {
  const world = await worldFor(context);
  const { laptop } = world;
  const { jupyter: server } = await started(laptop, ...(await ownLocalPort()));
  assert.equal(server.port, null);
  assert.equal(statSync(server.socket).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(server.socket)).mode & 0o777, 0o700);
  assert.deepEqual(listeners(server.pid), []);
  const joined = await started(world.anotherLaptop(), ...(await ownLocalPort()));
  assert.equal(joined.jupyter.socket, server.socket);
  await done(laptop, 'stop');
  assert.equal(existsSync(dirname(server.socket)), false);
});

test('the next start removes the socket of a killed server', async (context) => {
  const world = await worldFor(context);
  const { jupyter: former } = await started(world.laptop, ...(await ownLocalPort()));
  process.kill(former.pid, 'SIGKILL');
  const { jupyter: server } = await started(world.laptop);
  assert.notEqual(server.socket, former.socket);
  assert.equal(existsSync(dirname(former.socket)), false);
});

/** Starts a server that gets a port instead of a socket, and returns the line with the reason. */
async function portInstead(world: World, ...args: string[]): Promise<string> {
  const { laptop } = world;
  const words = ['start', 'loopback', '{F}', '--no-browser', ...(await ownLocalPort()), ...args];
  const { code, stderr } = await laptop.run(...words);
  assert.equal(code, 0, stderr);
  const { state, jupyter: server } = await statusOf(laptop);
  assert.equal(state, 'connected');
  assert.equal(server.socket, null);
  assert.deepEqual(listeners(server.pid), [`127.0.0.1:${server.port}`]);
  const other = world.anotherLaptop();
  const joined = await started(other, ...(await ownLocalPort()));
  await done(other, 'stop', '--keep-server');
  assert.deepEqual([joined.jupyter.port, joined.jupyter.socket], [server.port, null]);
  await done(laptop, 'stop');
  await nothingIsLeft(world, laptop);
  const notes = stderr.split('\n').filter((line) => new RegExp(`\\b${server.port}\\b`).test(line));
  assert.equal(notes.length, 1, stderr);
  const [, reason] = /^ {2}! Jupyter listens on port \d+ of loopback, not on a private socket: (.*)$/.exec(
    notes[0] ?? '',
  ) ?? [undefined, stderr];
  return reason ?? '';
}

test('if the path of the temporary folder is too long for a socket, the server listens on a port', async (context) => {
  const folder = join(makeFolder('rn-tmp-'), 'x'.repeat(60));
  mkdirSync(folder);
  const world = await worldFor(context, { environment: { TMPDIR: folder } });
  assert.equal(await portInstead(world), `the path of the temporary folder is too long (${folder})`);
  assert.deepEqual(readdirSync(folder), []);
});

for (const [where, makeTmpdir] of Object.entries({
  'the path of the temporary folder is too long': () => join(makeFolder('rn-tmp-'), 'x'.repeat(60)),
  'others can replace files in the temporary folder': () => makeFolder('rn-tmp-'),
})) {
  test(`no relay is started if ${where}; start and status report that the tunnel does not resume`, async (context) => {
    const folder = makeTmpdir();
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
    const { laptop } = await worldFor(context, { environment: { TMPDIR: folder } });
    const note =
      /no relay could be started on loopback .*: if the connection is lost, your open pages have to connect again\n/;
    assert.match(await stderrOf(0, laptop, 'start', 'loopback', '{F}', '--no-browser'), note);
    assert.match(
      await done(laptop, 'status'),
      /\n {2}no relay is running on loopback: if the connection is lost, /,
    );
    assert.equal((await statusOf(laptop)).tunnel.resumes, false);
    assert.deepEqual(readdirSync(folder), []);
  });
}

test('if others can replace files in the temporary folder, the server listens on a port', async (context) => {
  const folder = makeFolder('rn-tmp-');
  chmodSync(folder, 0o777);
  const world = await worldFor(context, { environment: { TMPDIR: folder } });
  assert.equal(await portInstead(world), `other users could replace files of yours in ${folder}`);
  assert.deepEqual(readdirSync(folder), []);
});

test('a Jupyter that does not support sockets listens on a port of the loopback address', async (context) => {
  const world = await worldFor(context);
  const file = join(world.home, 'old-jupyter');
  const lines = [
    '#!/bin/sh',
    'for each; do shift; case $each in *.sock=*) ;; *) set -- "$@" "$each" ;; esac; done',
    'exec jupyter notebook "$@"',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o755 });
  assert.equal(
    await portInstead(world, '--command', file),
    'this version of Jupyter does not support sockets',
  );
});

test('where sshd does not forward to sockets, a server on a socket is reached all the same', async (context) => {
  const world = await worldFor(context, { sshdConfig: ['AllowStreamLocalForwarding no'] });
  const { jupyter, url } = await started(world.laptop);
  assert.match(jupyter.socket ?? '', /jupyter\.sock$/);
  assert.equal((await fetch(new URL('/api', url))).status, 200);
});

test("Jupyter's own configuration cannot change where Jupyter listens", async (context) => {
  const world = await worldFor(context);
  configureJupyter(
    world.home,
    `c.App.sock = '${join(world.home, 'other.sock')}'`,
    "c.App.sock_mode = '0666'",
    "c.App.ip = '0.0.0.0'",
    'c.App.port = 9999',
    'c.App.port_retries = 0',
    "c.App.file_to_run = 'some.ipynb'",
  );
  for (const words of [[], ['--port', String(await freePort())]]) {
    const { jupyter: server } = await started(world.laptop, ...(await ownLocalPort()), ...words);
    assert.deepEqual(listeners(server.pid), words.length === 0 ? [] : [`127.0.0.1:${server.port}`]);
    if (words.length === 0) assert.equal(statSync(server.socket).mode & 0o777, 0o600);
    await done(world.laptop, 'stop');
  }
});

for (const baseUrl of ['/my notebooks/', '/bücher/']) {
  test(`a base_url under which no page can be reached is reported at once: ${baseUrl}`, async (context) => {
    const world = await worldFor(context);
    configureJupyter(world.home, `c.App.base_url = '${baseUrl}'`);
    const stderr = await stderrOf(1, world.laptop, 'start', 'loopback', '{F}', '--no-browser');
    assert.match(stderr, new RegExp(`sets the base_url "${baseUrl}", under which no page can be reached`));
    await nothingIsLeft(world);
  });
}
