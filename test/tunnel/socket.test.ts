import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { worldFor } from '../hosts/lasting.ts';
import { done, started, stderrOf } from '../hosts/servers.ts';
import { makeFolder } from '../hosts/standing.ts';
import { traces } from '../hosts/traces.ts';
import { makeWorld } from '../hosts/world.ts';

test('with --socket no port of the host leads to Jupyter, and only its user can enter', async (context) => {
  const world = await worldFor(context);
  const { laptop } = world;
  const { jupyter: server } = await started(laptop, '--socket');
  assert.equal(server.port, null);
  assert.equal(statSync(server.socket).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(server.socket)).mode & 0o777, 0o700);
  const listeners = execFileSync('ss', ['-Hltnp'], { encoding: 'utf8' });
  assert.ok(!listeners.includes(`pid=${server.pid},`), listeners);
  const joined = await started(world.anotherLaptop());
  assert.equal(joined.jupyter.socket, server.socket);
  await done(laptop, 'stop');
  assert.equal(existsSync(server.socket), false);
});

test('a socket folder that somebody else could enter, or a link in its place, is refused', async () => {
  const runtime = makeFolder('rn-runtime-');
  const world = await makeWorld({ environment: { XDG_RUNTIME_DIR: runtime } });
  try {
    const elsewhere = join(world.home, 'elsewhere');
    mkdirSync(elsewhere);
    chmodSync(elsewhere, 0o755);
    symlinkSync(elsewhere, join(runtime, `remote-notebook-${process.getuid?.()}`));
    const refused = await stderrOf(1, world.laptop, 'start', 'loopback', '{F}', '--socket', '--no-browser');
    assert.match(refused, /no usable folder for a socket on loopback: .* is open to others/);
    assert.deepEqual(world.processes(), []);
    assert.deepEqual(readdirSync(elsewhere), []);
    assert.equal(statSync(elsewhere).mode & 0o777, 0o755);
  } finally {
    await world.remove();
    rmSync(runtime, { recursive: true });
  }
});

test('an sshd that does not forward to sockets is reported, with its option, and nothing is left', async (context) => {
  const world = await worldFor(context, { sshdConfig: ['AllowStreamLocalForwarding no'] });
  const refused = await stderrOf(1, world.laptop, 'start', 'loopback', '{F}', '--socket', '--no-browser');
  assert.match(refused, /Jupyter started on loopback .*, but did not respond through the tunnel/);
  assert.match(refused, /AllowStreamLocalForwarding\)\? If not, omit --socket\.\n$/);
  assert.deepEqual(traces(world, world.laptop), []);
});
