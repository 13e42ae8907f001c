import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Account, makeAccount } from '../hosts/accounts.ts';
import { missing, NO_ACCOUNTS } from '../hosts/needs.ts';
import { factOf } from '../hosts/proc.ts';
import { done } from '../hosts/servers.ts';
import { freePort } from '../hosts/sshd.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

// The article's stop ends every Jupyter of a user, so these tests need a user of their own.
const skip = NO_ACCOUNTS || missing('pkill');
let account: Account;
let world: World;
before(async () => {
  if (skip) return;
  account = makeAccount('bash');
  world = await makeWorld({ account });
});
after(async () => {
  await world?.remove();
  await account?.remove();
});

const jupyters = () => account.processes().filter((pid) => factOf(pid, 'comm').startsWith('jupyter'));

async function startWords(): Promise<string[]> {
  const ports = ['--port', String(await freePort()), '--local-port', String(await freePort())];
  return ['start', 'loopback', '{F}', '--no-browser', '--json', ...ports];
}

for (const words of [['stop'], ['stop', '--keep-server']]) {
  test(`${words.join(' ')} of a server that was started with --plain shows how to stop it, and keeps its record`, {
    skip,
  }, async () => {
    const laptop = world.anotherLaptop();
    const started = await laptop.run(...(await startWords()), '--plain');
    assert.equal(started.code, 0, started.stderr);
    const theirs = jupyters();
    const { stdout: before } = await laptop.run('status', '--json');
    const refused = await laptop.run(...words);
    assert.deepEqual([refused.code, refused.stdout], [2, '']);
    assert.match(
      refused.stderr,
      /"loopback" was started with --plain\n.*remote-notebook stop --plain loopback/,
    );
    const dry = await laptop.run('stop', '--plain', '--dry-run');
    assert.equal(
      dry.stdout,
      `ssh -S none -F ${world.sshd.sshConfig} loopback 'pkill -u ${account.name} jupyter'\n`,
      dry.stderr,
    );
    assert.equal((await laptop.run('status', '--json')).stdout, before);
    assert.deepEqual(jupyters(), theirs);
    await done(laptop, 'stop', '--plain', '--yes');
    await eventually('Jupyter and every ssh are gone', () => world.processes().length === 0);
  });
}

test('stop --plain also ends the tunnel of a server that was started without it', { skip }, async () => {
  const laptop = world.anotherLaptop();
  await done(laptop, ...(await startWords()));
  assert.equal(jupyters().length, 1);
  await done(laptop, 'stop', '--plain', '--yes');
  await eventually('Jupyter and every ssh are gone', () => world.processes().length === 0);
  assert.deepEqual(JSON.parse((await laptop.run('status', '--json')).stdout), { servers: [], runs: [] });
});
