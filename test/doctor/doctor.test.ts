import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { diagnosis, makeHealthy } from '../hosts/diagnosis.ts';
import { done, started, stderrOf } from '../hosts/servers.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import type { World } from '../hosts/world.ts';

/** Each step is really broken; doctor names it and what to do, and does not guess about later steps. */

let world: World;
beforeEach(async () => {
  world = await makeHealthy();
});
afterEach(() => world.remove());

/** All files below a folder, each with its content. */
function everything(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true });
  return Object.fromEntries(
    names.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, entry.isFile() ? readFileSync(path, 'utf8') : ''];
    }),
  );
}

test('for a healthy host, every check is ✓, and nothing is changed on either side', async () => {
  const knownHosts = readFileSync(join(world.sshd.folder, 'known_hosts'), 'utf8');
  const before = everything(join(world.home, '..'));
  const { code, stdout, stderr } = await world.laptop.run('doctor', 'loopback', '{F}', ...(await ports()));
  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(
    lines.filter(
      (line) => !/^✓|^- (forwarding|api|websocket|output) +not checked: no server is running$/.test(line),
    ),
    [],
    stdout + stderr,
  );
  assert.equal(lines.length, 25);
  assert.equal(code, 0);
  await noProcessIsLeft(world);
  assert.deepEqual(everything(join(world.home, '..')), before);
  assert.equal(readFileSync(join(world.sshd.folder, 'known_hosts'), 'utf8'), knownHosts);
});

test('a running server is checked by its API and a websocket, and is not disturbed', async () => {
  const [port, local] = [await freePort(), await freePort()].map(String);
  await started(world.laptop, '--port', port ?? '', '--local-port', local ?? '');
  const before = await done(world.laptop, 'status', '--json');
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 0);
  assert.deepEqual(
    checks.filter(({ verdict }) => verdict !== 'ok'),
    [],
  );
  const found = Object.fromEntries(checks.map((check) => [check.name, check.found]));
  assert.match(found.server ?? '', /^running, PID \d+$/);
  assert.match(found.port ?? '', /is in use by this server$/);
  assert.equal(found.forwarding, `allowed to 127.0.0.1:${port}`);
  assert.match(found.api ?? '', /^responds, version \d/);
  assert.match(
    found.websocket ?? '',
    /^(opens through the tunnel|not available in this Jupyter before a kernel is running)$/,
  );
  assert.match(found.output ?? '', /^What cells print while no page is open is lost\. To keep it: docs\//);
  assert.match(found['local port'] ?? '', /leads to the server$/);
  const shown = (text: string) => JSON.parse(text.replace(/"roundTripMs": \d+/g, '"roundTripMs": 0'));
  assert.deepEqual(shown(await done(world.laptop, 'status', '--json')), shown(before));
});

test('a host that would ask at the next login is reported, and checked over the open connection', async () => {
  await started(world.laptop, ...(await ports()));
  writeFileSync(world.sshd.authorizedKeys, '');
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 0);
  const wrong = checks.filter(({ verdict }) => verdict !== 'ok');
  assert.deepEqual(
    wrong.map(({ name, verdict }) => [name, verdict]),
    [['reconnect', 'warning']],
  );
  assert.match(wrong[0]?.fix ?? '', /^Install a key/);
  assert.equal(JSON.parse(await done(world.laptop, 'status', '--json')).servers[0].state, 'connected');
});

test('a temporary folder that is missing, or whose path ssh would change, is reported', async () => {
  for (const [folder, output] of [
    ['/nowhere', /^Error: cannot create a folder in \/nowhere: ENOENT: .*\nSet TMPDIR to another folder: /m],
    ['/tmp/%d', /^Error: the path \/tmp\/%d contains a % or a \$\{, which ssh would replace\nSet TMPDIR/m],
  ] as const) {
    world.laptop.env.TMPDIR = folder;
    const stderr = await stderrOf(1, world.laptop, 'doctor', 'loopback', '{F}');
    assert.match(stderr, output);
  }
});
