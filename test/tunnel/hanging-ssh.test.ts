import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hangingSshPerTest } from '../hosts/hanging-ssh.ts';
import { done, started } from '../hosts/servers.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';

/** A local ssh process that hangs, here because it was stopped: no verb waits for it forever. The server has no relay. */

const { world, pid, fails, message, remedy, allIsAsBefore } = await hangingSshPerTest();

test('stop reports that ssh hangs and what to do, and the server does not end later either', async () => {
  await fails('stop', '--yes');
  await allIsAsBefore();
});

test('logs, open, status and doctor report that ssh hangs and what to do', async () => {
  const [status, doctor] = await Promise.all([
    world.laptop.run('status'),
    world.laptop.run('doctor', 'loopback', '--json'),
    fails('logs'),
    fails('open', '--print'),
    fails('status', 'loopback', '--all'),
  ]);
  assert.equal(status.code, 3);
  assert.match(status.stdout, / unknown /);
  assert.ok(status.stdout.includes(`${message()}. ${remedy()}`), status.stdout);
  const checks: { name: string; verdict: string; fix: string }[] = JSON.parse(doctor.stdout).checks;
  const failed = checks.filter(({ verdict }) => verdict === 'failed');
  assert.deepEqual(
    failed.map(({ name, fix }) => [name, fix]),
    [['local port', remedy()]],
  );
  await allIsAsBefore();
});

test('a tunnel whose ssh hangs can be closed, and nothing is left of it', async () => {
  await done(world.laptop, 'stop', '--keep-server');
  assert.deepEqual(readdirSync(join(world.laptop.stateFolder, 'c')), []);
  assert.equal(world.processes().includes(pid()), false);
  await started(world.laptop);
});

test('an ssh that hangs and is killed is replaced, and the server can be stopped', async () => {
  process.kill(pid(), 'SIGKILL');
  await done(world.laptop, 'stop');
  await noProcessIsLeft(world);
});
