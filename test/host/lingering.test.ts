import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { worldPerTest } from '../hosts/lasting.ts';
import { ports } from '../hosts/sshd.ts';

const world = worldPerTest();

test('a start ends when the server answers, even if its environment left processes in the session', async () => {
  const bin = join(world.home, 'venv', 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'activate'), `sleep 1000 &\necho $! >'${bin}/pid'\n`);
  const words = ['start', 'loopback', '{F}', '--no-browser', '--environment', 'venv', ...(await ports())];
  const starting = world.laptop.start(...words);
  await starting.saw('Stop it:');
  const left = Number(readFileSync(join(bin, 'pid'), 'utf8'));
  assert.ok(world.processes().includes(left), 'it runs on');
  process.kill(left, 'SIGKILL');
  assert.equal((await starting.ended).code, 0);
  assert.equal((await world.laptop.run('status')).code, 0);
});
