import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { startByHand } from '../hosts/by-hand.ts';
import { configureJupyter } from '../hosts/configuration.ts';
import { diagnosis, makeHealthy } from '../hosts/diagnosis.ts';
import { serverRecord, started } from '../hosts/servers.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import type { World } from '../hosts/world.ts';

/** What doctor finds of a server that was started: its process, its API and its websockets. */

let world: World;
beforeEach(async () => {
  world = await makeHealthy();
});
afterEach(() => world.remove());

test('a killed server is reported, and its record is kept', async () => {
  const { jupyter: server } = await started(world.laptop, ...(await ports()));
  process.kill(server.pid, 'SIGKILL');
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 0);
  const output = checks.find(({ name }) => name === 'server');
  assert.equal(output?.verdict, 'warning');
  assert.match(output?.fix ?? '', /remote-notebook logs loopback/);
  assert.ok(existsSync(join(world.home, '.local', 'state', 'remote-notebook', 'servers')));
});

test('an invalid runtime file is reported, and the later steps are checked', async () => {
  await started(world.laptop, ...(await ports()));
  writeFileSync(join(serverRecord(world.laptop).folder, 'server.json'), '{"pid": 5}\n');
  const { checks } = await diagnosis(world);
  assert.match(
    checks.find(({ name }) => name === 'api')?.found ?? '',
    /^the runtime file that Jupyter wrote/,
  );
  assert.equal(checks.find(({ name }) => name === 'local port')?.verdict, 'ok');
});

test('a suspended server does not respond, and is reported', async () => {
  const { jupyter: server } = await started(world.laptop, ...(await ports()));
  process.kill(server.pid, 'SIGSTOP');
  try {
    const { code, checks } = await diagnosis(world);
    assert.equal(code, 1);
    assert.match(checks.find(({ name }) => name === 'api')?.found ?? '', /does not respond/);
    assert.equal(checks.find(({ name }) => name === 'websocket')?.found, 'not checked: api');
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
});

test('a server that refuses the token of its record is reported', async () => {
  await started(world.laptop, ...(await ports()));
  const { folder, token } = serverRecord(world.laptop);
  const file = join(folder, 'server.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace(token, 'another'));
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 1);
  const found = (name: string) => checks.find((check) => check.name === name);
  assert.match(found('api')?.found ?? '', /does not accept the token \(HTTP 403\)$/);
  assert.match(found('api')?.fix ?? '', /^Another server has that port/);
  for (const name of ['websocket', 'output']) assert.equal(found(name)?.found, 'not checked: api');
});

/** Makes each Jupyter of the host handle websockets with these lines of Python instead of its own code. */
function answerWebsockets(...lines: readonly string[]): void {
  const folder = configureJupyter(
    world.home,
    'import os, sys',
    'sys.path.insert(0, os.path.dirname(__file__))',
    "c.App.extra_services = ['in_the_way']",
  );
  const handler = [
    'from tornado.web import RequestHandler',
    'class InTheWay(RequestHandler):',
    '    def get(self):',
    ...lines.map((line) => `        ${line}`),
    "default_handlers = [(r'/api/events/subscribe', InTheWay)]",
    '',
  ];
  writeFileSync(join(folder, 'in_the_way.py'), handler.join('\n'));
}

test('websockets that an extension of Jupyter blocks are reported', async () => {
  answerWebsockets('self.set_status(403)');
  await started(world.laptop, ...(await ports()));
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 1);
  assert.equal(checks.find(({ name }) => name === 'websocket')?.found, 'refused with HTTP 403');
});

test('a websocket that gets no response is reported', async () => {
  answerWebsockets('self.request.connection.stream.close()');
  await started(world.laptop, ...(await ports()));
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 1);
  const websocket = checks.find(({ name }) => name === 'websocket');
  assert.deepEqual([websocket?.verdict, websocket?.found], ['failed', 'no response']);
});

test('a server that listens on another address than loopback gets its requests at that address', async () => {
  const server = await startByHand(world, 'server', [`--port=${await freePort()}`, '--ip=127.0.0.2']);
  await started(world.laptop, '--adopt', String(server.pid), '--name', 'loopback');
  const { code, checks } = await diagnosis(world);
  const verdicts = ['api', 'websocket'].map((name) => checks.find((check) => check.name === name)?.verdict);
  assert.deepEqual([code, ...verdicts], [0, 'ok', 'ok'], JSON.stringify(checks));
});
