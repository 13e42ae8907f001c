import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { worldPerFile } from '../hosts/lasting.ts';
import { outside } from '../hosts/needs.ts';
import { askJupyter, done, type Shown, serverRecord, started, stderrOf } from '../hosts/servers.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { eventually, type Laptop } from '../hosts/world.ts';

const world = await worldPerFile();
let spec: Shown;
before(async () => {
  spec = await started(world.laptop);
});

/** The same laptop with another environment. */
function withEnvironment(env: NodeJS.ProcessEnv): { run: Laptop['run'] } {
  return {
    run: async (...args) => {
      const before = { ...world.laptop.env };
      Object.assign(world.laptop.env, env);
      try {
        return await world.laptop.run(...args);
      } finally {
        for (const name of Object.keys(env)) delete world.laptop.env[name];
        Object.assign(world.laptop.env, before);
      }
    },
  };
}

/** A browser that writes down what it is given. */
function browser(name: string): { program: string; given: () => Promise<string[]> } {
  const program = join(world.home, name);
  writeFileSync(program, '#!/bin/sh\nprintf "%s\\n" "$@" >>"$0.given"\n');
  chmodSync(program, 0o755);
  return {
    program,
    given: async () => {
      await eventually(
        `${name} is run`,
        () => existsSync(`${program}.given`) && statSync(`${program}.given`).size > 0,
      );
      return readFileSync(`${program}.given`, 'utf8').trimEnd().split('\n');
    },
  };
}

test('open gives the browser a private file that leads to the page with its token', async () => {
  const { program, given } = browser('plain');
  const { code, stdout, stderr } = await withEnvironment({ BROWSER: program }).run('open');
  assert.deepEqual([code, stdout], [0, ''], stderr);
  const [url = '', ...others] = await given();
  assert.deepEqual(others, []);
  const page = fileURLToPath(url);
  assert.equal(statSync(page).mode & 0o777, 0o600);
  const { token } = serverRecord(world.laptop);
  const leads = /content="0;url=([^"]*)"/.exec(readFileSync(page, 'utf8'))?.[1];
  assert.equal(leads, `${spec.url}?token=${token}`);
});

test("BROWSER is a command line of the user's own, with a %s where the page goes", async () => {
  const { program, given } = browser('with-options');
  await withEnvironment({ BROWSER: `${program} --new-window %s --quiet:${program}.other` }).run('open');
  const [option, url, last] = await given();
  assert.deepEqual([option, last], ['--new-window', '--quiet']);
  assert.match(url ?? '', /^file:\/\/\/.*\/open-loopback\.html$/);
});

test('on a desktop the page goes to its own way of opening one', {
  skip: process.platform !== 'linux' && outside('only Linux has xdg-open'),
}, async () => {
  const { given } = browser('xdg-open');
  const PATH = [world.home, world.laptop.env.PATH].join(delimiter);
  const { code, stderr } = await withEnvironment({ DISPLAY: ':99', PATH }).run('open');
  assert.equal(code, 0, stderr);
  assert.match((await given())[0] ?? '', /^file:\/\/\/.*\/open-loopback\.html$/);
});

test('where there is no desktop, open says how to see the URL', async () => {
  const { code, stdout, stderr } = await world.laptop.run('open');
  assert.deepEqual([code, stdout], [1, '']);
  assert.equal(
    stderr,
    'Error: cannot open a browser: this machine has no desktop\nPrint the URL instead: remote-notebook open loopback --print\n',
  );
});

test('open --print prints the URL that the server takes, and nothing else', async () => {
  const url = new URL((await done(world.laptop, 'open', '--print')).trimEnd());
  assert.equal(`${url.origin}${url.pathname}`, spec.url);
  const token = url.searchParams.get('token') ?? '';
  assert.ok(await askJupyter(Number(url.port), token, '/api/status'));
  await assert.rejects(askJupyter(Number(url.port), '', '/api/status'), /403/);
});

test('open --print --json has that URL, and the token on its own, beside what open --json prints', async () => {
  const url = (await done(world.laptop, 'open', '--print')).trimEnd();
  const { jupyter: server, ...printed } = JSON.parse(await done(world.laptop, 'open', '--print', '--json'));
  const { jupyter: _, ...told } = JSON.parse(await done(world.laptop, 'open', '--json'));
  assert.equal(server.state, 'running');
  assert.deepEqual(printed, { ...told, url, token: serverRecord(world.laptop).token });
});

test('open --json opens nothing, and prints the URL without the token', async () => {
  const { program } = browser('unused');
  const { stdout } = await withEnvironment({ BROWSER: program }).run('open', '--json');
  assert.equal(JSON.parse(stdout).url, spec.url);
  assert.equal(stdout.includes(serverRecord(world.laptop).token), false);
});

test('start opens the page, unless an option forbids it', async () => {
  const { program, given } = browser('by-itself');
  const laptop = withEnvironment({ BROWSER: program });
  for (const option of ['--no-browser', '--json']) {
    await stderrOf(0, laptop, 'start', 'loopback', '{F}', option);
  }
  await stderrOf(0, laptop, 'start', 'loopback', '{F}', '--name', 'opened');
  const [page, ...others] = await given();
  assert.deepEqual(others, []);
  assert.match(page ?? '', /\/open-opened\.html$/);
  await done(world.laptop, 'stop', 'opened');
});

test('open and forward say that a server is gone, and a forward that says so adds no port', async () => {
  const { jupyter: server } = await started(world.laptop, '--name', 'gone');
  signalQuietly(server.pid, 'SIGKILL');
  const records = () => JSON.parse(readFileSync(join(world.laptop.stateFolder, 'state.json'), 'utf8'));
  const before = records();
  for (const words of [
    ['open', 'gone', '--print'],
    ['open', 'gone', '--json'],
    ['forward', 'gone', '6006:x:1'],
  ]) {
    const { code, stdout, stderr } = await world.laptop.run(...words);
    assert.deepEqual([code, stdout], [1, ''], words.join(' '));
    assert.match(
      stderr,
      /^Error: the server of "gone" on loopback is gone\nStart it again: remote-notebook start gone /m,
    );
  }
  assert.deepEqual(records(), before);
  await done(world.laptop, 'stop', 'gone');
});

test('open and forward of a server that does not respond report it, and print the way to it all the same', async () => {
  const { jupyter: server, url } = await started(world.laptop, '--name', 'deaf');
  process.kill(server.pid, 'SIGSTOP');
  for (const verb of ['open', 'forward']) {
    const { code, stdout, stderr } = await world.laptop.run(
      verb,
      'deaf',
      ...(verb === 'open' ? ['--print'] : []),
    );
    assert.equal(code, 0, stderr);
    assert.match(stderr, /"deaf" is not responding/);
    assert.ok(stdout.includes(new URL(url).host), stdout);
  }
  const shown = JSON.parse(await done(world.laptop, 'open', 'deaf', '--json'));
  assert.equal(shown.jupyter.state, 'unknown');
  await done(world.laptop, 'stop', 'deaf');
});

test('open refuses while no tunnel leads to the server: another program could have its port', async () => {
  for (const pid of world.processes()) if (pid !== spec.jupyter.pid) signalQuietly(pid, 'SIGKILL');
  for (const option of ['--print', '--json', '--verbose']) {
    const { code, stdout, stderr } = await world.laptop.run('open', option);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(
      stderr,
      /there is no tunnel to "loopback" now\nReconnect with: remote-notebook start loopback/,
    );
  }
});
