import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Account, makeAccount } from '../hosts/accounts.ts';
import { connectionFolder } from '../hosts/keeper.ts';
import { NO_ACCOUNTS } from '../hosts/needs.ts';
import { done, serverRecord, started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { eventually, makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** Another user of the laptop, and of the host, who may look into every folder above those that are ours. */

let world: World;
let other: Account;

before(async () => {
  if (NO_ACCOUNTS) return;
  other = makeAccount('bash');
  world = await makeWorld();
  chmodSync(dirname(world.home), 0o755);
  const browser = join(world.home, 'browser');
  writeFileSync(browser, '#!/bin/sh\n', { mode: 0o755 });
  world.laptop.env.BROWSER = browser;
  await started(world.laptop, ...(await ports()));
  await done(world.laptop, 'open');
});
after(async () => {
  if (NO_ACCOUNTS) return;
  await world.remove();
  await other.remove();
});

const needsAccounts = { skip: NO_ACCOUNTS };

/** Runs a command as the other user, or as the owner. */
function run(asOther: boolean, program: string, ...args: string[]) {
  const { uid, gid } = other;
  return spawnSync(program, args, { encoding: 'utf8', ...(asOther ? { uid, gid } : {}) });
}

/** All files and sockets below a folder. */
function below(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

test('no file that is kept on the laptop can be read by another user of it', needsAccounts, async () => {
  const { laptop } = world;
  await eventually('the browser has its page', () =>
    below(laptop.stateFolder).some((file) => file.endsWith('.html')),
  );
  const files = below(laptop.stateFolder).filter((file) => statSync(file).isFile());
  for (const name of ['state.json', 'open-loopback.html', 'state', 'forwards', 'purpose', 'log'])
    assert.ok(
      files.some((file) => file.endsWith(`/${name}`)),
      `${name} is among ${files.join(' ')}`,
    );
  for (const file of files) {
    assert.equal(run(false, 'cat', file).status, 0, file);
    assert.match(run(true, 'cat', file).stderr, /Permission denied/, file);
  }
});

test("the connection's control socket takes no request of another user", needsAccounts, () => {
  const control = join(connectionFolder(world.laptop), 'control');
  const check = ['-F', '/dev/null', '-S', control, '-O', 'check', 'master'];
  assert.match(run(false, 'ssh', ...check).stderr, /Master running/);
  assert.match(run(true, 'ssh', ...check).stderr, /Control socket connect\(.*\): Permission denied/);
});

test(
  'the token is in no file and no process that another user can look into, here or on the host',
  needsAccounts,
  () => {
    const { token } = serverRecord(world.laptop);
    const about = world.processes().flatMap((pid) => [`/proc/${pid}/environ`, `/proc/${pid}/cmdline`]);
    const places = [dirname(world.home), ...about];
    const search = ['-rlsaF', '-e', token, ...places];
    const found = run(false, 'grep', ...search).stdout;
    for (const place of [world.laptop.stateFolder, world.home, '/proc/'])
      assert.ok(found.includes(place), found);
    assert.equal(run(true, 'grep', ...search).stdout, '');
  },
);

test("another user's command with this state folder is refused, and changes nothing", needsAccounts, () => {
  const state = () => below(world.laptop.stateFolder).map((file) => [file, statSync(file).mtimeMs]);
  const before = state();
  // Where the other user can read it, wherever this repository stands.
  const [node = '', cli = ''] = PROGRAM;
  const program = join(dirname(world.home), 'program');
  cpSync(dirname(cli), join(program, 'dist'), { recursive: true });
  cpSync(join(dirname(cli), '..', 'package.json'), join(program, 'package.json'));
  const { uid, gid, home } = other;
  const env = { ...world.laptop.env, HOME: home };
  for (const verb of ['status', 'stop']) {
    const args = [join(program, 'dist', basename(cli)), verb];
    const { status, stderr } = spawnSync(node, args, { uid, gid, env, encoding: 'utf8' });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^Error: cannot read .*state\.json: EACCES: permission denied\n/);
  }
  assert.deepEqual(state(), before);
});
