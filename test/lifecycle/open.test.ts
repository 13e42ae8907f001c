import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { worldPerFile } from '../hosts/lasting.ts';
import { outside } from '../hosts/needs.ts';
import { askJupyter, done, type Shown, serverRecord, started, stderrOf } from '../hosts/servers.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { quietProcesses } from '../hosts/traces.ts';
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

test('open passes the browser a private file that redirects to the page with its token', async () => {
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

test('BROWSER can be a command line, in which %s is replaced by the page', async () => {
  const { program, given } = browser('with-options');
  await withEnvironment({ BROWSER: `${program} --new-window %s --quiet:${program}.other` }).run('open');
  const [option, url, last] = await given();
  assert.deepEqual([option, last], ['--new-window', '--quiet']);
  assert.match(url ?? '', /^file:\/\/\/.*\/open-loopback\.html$/);
});

test('on a desktop, the page opens in the default browser', {
  skip: process.platform !== 'linux' && outside('only Linux has xdg-open'),
}, async () => {
  const { given } = browser('xdg-open');
  const PATH = [world.home, world.laptop.env.PATH].join(delimiter);
  const { code, stderr } = await withEnvironment({ DISPLAY: ':99', PATH }).run('open');
  assert.equal(code, 0, stderr);
  assert.match((await given())[0] ?? '', /^file:\/\/\/.*\/open-loopback\.html$/);
});

test('without a desktop, open prints the URL', async () => {
  const { code, stdout, stderr } = await world.laptop.run('open');
  assert.deepEqual([code, stderr], [0, 'This machine has no desktop on which to open a browser. The URL:\n']);
  assert.equal(stdout, await done(world.laptop, 'open', '--print'));
});

test('open opens a notebook with any characters in its name', async () => {
  mkdirSync(join(world.home, 'my plots'));
  const name = "my plots/ä's #1?%20.ipynb";
  writeFileSync(
    join(world.home, name),
    JSON.stringify({ cells: [], metadata: {}, nbformat: 4, nbformat_minor: 4 }),
  );
  const page = `notebooks/${name.split('/').map(encodeURIComponent).join('/')}`;
  for (const words of [
    ['open', 'loopback', name],
    ['open', 'loopback', join(world.home, name)],
    ['open', name],
  ]) {
    const url = (await done(world.laptop, ...words, '--print')).trim();
    assert.ok(url.startsWith(`${spec.url}${page}?token=`), url);
    const answer = await fetch(url);
    assert.deepEqual([answer.status, new URL(answer.url).pathname], [200, `/${page}`]);
    assert.match(await answer.text(), /data-notebook-path=/);
  }
  const { program, given } = browser('document');
  await stderrOf(0, withEnvironment({ BROWSER: program }), 'start', 'loopback', name, '{F}');
  const [file = ''] = await given();
  const escaped = page.replaceAll("'", '&#39;');
  assert.ok(readFileSync(fileURLToPath(file), 'utf8').includes(`${spec.url}${escaped}?token=`));
});

test('open opens the page of a text file or of a folder', async () => {
  mkdirSync(join(world.home, 'folder'));
  writeFileSync(join(world.home, 'folder', 'notes.txt'), 'mine');
  for (const [name, page] of [
    ['folder/notes.txt', 'edit/folder/notes.txt'],
    ['folder/', 'tree/folder'],
  ] as const) {
    const { url } = JSON.parse(await done(world.laptop, 'open', 'loopback', name, '--json'));
    assert.equal(url, `${spec.url}${page}`);
  }
});

test('a missing document, and one outside the directory, are errors', async () => {
  const before = await quietProcesses(world);
  for (const verb of ['open', 'start']) {
    const missing = await stderrOf(1, world.laptop, verb, 'loopback', 'no.ipynb', '{F}');
    assert.ok(
      missing.endsWith(
        `Error: there is no "no.ipynb" in ${world.home} on loopback, or Jupyter does not show it\n"loopback" is running. To open its page: remote-notebook open loopback\n`,
      ),
      missing,
    );
    const outer = await stderrOf(2, world.laptop, verb, 'loopback', '../up.ipynb', '{F}');
    assert.match(outer, /^Error: the document "\.\.\/up\.ipynb" is outside the directory of the server\n/m);
    const other = await stderrOf(2, world.laptop, verb, 'loopback', '/etc/up.ipynb', '{F}');
    assert.match(other, /^Error: the document "\/etc\/up\.ipynb" is outside the directory of the server\n/m);
  }
  await stderrOf(2, world.laptop, 'start', 'loopback', '../up.ipynb', '{F}', '--name', 'other');
  await stderrOf(2, world.laptop, 'start', 'loopback', 'venv', '{F}', '--name', 'other');
  assert.deepEqual(await quietProcesses(world), before);
});

test("default_url and base_url of the user's configuration determine the URLs of pages and documents", async () => {
  const folder = join(world.home, '.jupyter');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'jupyter_notebook_config.py'),
    'c.NotebookApp.default_url = "/edit/folder/notes.txt"\nc.NotebookApp.base_url = "/my-base/"\n',
  );
  const { url } = await started(world.laptop, '--name', 'configured');
  rmSync(folder, { recursive: true });
  const page = await fetch((await done(world.laptop, 'open', 'configured', '--print')).trim());
  assert.deepEqual([page.status, new URL(page.url).pathname], [200, '/my-base/edit/folder/notes.txt']);
  const document = (await done(world.laptop, 'open', 'configured', 'folder/notes.txt', '--print')).trim();
  assert.ok(document.startsWith(`${url}edit/folder/notes.txt?token=`), document);
  await done(world.laptop, 'stop', 'configured');
});

test('open --print prints a URL that the server accepts, and nothing else', async () => {
  const url = new URL((await done(world.laptop, 'open', '--print')).trimEnd());
  assert.equal(`${url.origin}${url.pathname}`, spec.url);
  const token = url.searchParams.get('token') ?? '';
  assert.ok(await askJupyter(Number(url.port), token, '/api/status'));
  await assert.rejects(askJupyter(Number(url.port), '', '/api/status'), /403/);
});

test('open --print --json adds the URL with the token, and the token alone, to the output of open --json', async () => {
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

test('open and forward report a server that has ended, and forward then adds no port', async () => {
  const { jupyter: server } = await started(world.laptop, '--name', 'gone');
  process.kill(server.pid, 'SIGKILL');
  await eventually('it has ended', () => !world.processes().includes(server.pid));
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

test('open and forward report a server that does not respond, and still print its address', async () => {
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

test('open fails without a tunnel to the server, because another program could use its port', async () => {
  for (const pid of world.processes()) if (pid !== spec.jupyter.pid) signalQuietly(pid, 'SIGKILL');
  for (const option of ['--print', '--json', '--verbose']) {
    const { code, stdout, stderr } = await world.laptop.run('open', option);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(
      stderr,
      /there is no tunnel to "loopback" at the moment\nReconnect with: remote-notebook start loopback/,
    );
  }
});
