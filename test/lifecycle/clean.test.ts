import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { keeperOf } from '../hosts/keeper.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { done, started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { eventually } from '../hosts/world.ts';

const world = worldPerTest();
beforeEach(async () => {
  await started(world.laptop, ...(await ports()));
});

function rooms(): string {
  return join(world.laptop.stateFolder, 'c');
}

function keeper() {
  return keeperOf(world.laptop);
}

async function clean(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await world.laptop.run('clean', '--json', ...args);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).leftovers;
}

test('clean keeps everything that is in use', async () => {
  assert.deepEqual(await clean(), []);
  await done(world.laptop, 'status');
});

test('clean removes the record of a server that has ended, and ends its tunnel', async () => {
  const status = await world.laptop.run('status', '--json');
  process.kill(JSON.parse(status.stdout).servers[0].jupyter.pid, 'SIGKILL');
  await eventually('the server is gone', async () => (await world.laptop.run('status')).code === 3);
  assert.match(
    (await clean('--dry-run')).join('\n'),
    /^the record of "loopback", whose server on loopback is gone$/,
  );
  assert.equal((await clean()).length, 1);
  assert.deepEqual(await clean(), []);
  // The relay of the server notices by itself that it is gone.
  await eventually('nothing is left', () => world.processes().length === 0);
});

test('clean ends a keeper whose record is lost, and an ssh whose keeper was killed', async () => {
  const { keeper: killed, ssh } = keeper();
  process.kill(killed.pid, 'SIGKILL');
  await eventually('the keeper is gone', () => !world.processes().includes(killed.pid));
  assert.match((await clean()).join('\n'), /whose keeper is gone/);
  assert.ok(!world.processes().includes(ssh?.pid ?? 0));
  await started(world.laptop);
  const kept = keeper().keeper?.pid ?? 0;
  rmSync(join(world.laptop.stateFolder, 'state.json'));
  assert.match((await clean()).join('\n'), /which no server needs/);
  assert.ok(!world.processes().includes(kept));
});

test('clean ends a keeper that was stopped, and whose folder has vanished', async () => {
  const { keeper: lost } = keeper();
  // It would notice by itself within a second.
  process.kill(lost.pid, 'SIGSTOP');
  rmSync(rooms(), { recursive: true });
  assert.match((await clean()).join('\n'), /whose folder is gone/);
  assert.ok(!world.processes().includes(lost?.pid ?? 0));
});

test('clean removes the lock of a crashed command, and the pages of servers that no longer exist', async () => {
  const file = join(world.laptop.stateFolder, 'server-other');
  writeFileSync(file, '0');
  const program = fileURLToPath(new URL('../state/under-lock.ts', import.meta.url));
  spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), program, file, 'crash']);
  rmSync(file);
  writeFileSync(join(world.laptop.stateFolder, 'open-other.html'), '');
  writeFileSync(join(world.laptop.stateFolder, 'open-other.html.123'), '');
  assert.deepEqual((await clean()).sort(), [
    'the file open-other.html, which nothing needs',
    'the file open-other.html.123, which nothing needs',
    'the lock server-other.lock, whose process is gone',
  ]);
  assert.deepEqual(
    readdirSync(world.laptop.stateFolder).filter((name) => name.includes('other')),
    [],
  );
});
