import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Account, makeAccount } from '../hosts/accounts.ts';
import { connectionFolder } from '../hosts/keeper.ts';
import { NO_ACCOUNTS } from '../hosts/needs.ts';
import { done, serverRecord, started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { eventually, makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** Another user of the laptop and of the host, who may read every folder above ours. */

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

function writePrivate(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
}

/** All files and sockets below a folder; a lock is a link. */
function below(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() || entry.isSocket());
  return files.map((entry) => join(entry.parentPath, entry.name));
}

test('other users of the laptop can read none of our files', needsAccounts, async () => {
  const { laptop } = world;
  await eventually('the browser has its page', () =>
    below(laptop.stateFolder).some((file) => file.endsWith('.html')),
  );
  const files = below(laptop.stateFolder).filter((file) => statSync(file).isFile());
  for (const name of ['state.json', 'open-loopback.html', 'status.json', 'purpose', 'log'])
    assert.ok(
      files.some((file) => file.endsWith(`/${name}`)),
      `${name} is among ${files.join(' ')}`,
    );
  for (const file of files) {
    assert.equal(run(false, 'cat', file).status, 0, file);
    assert.match(run(true, 'cat', file).stderr, /Permission denied/, file);
  }
});

test('other users cannot use the control socket of the connection', needsAccounts, () => {
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

test('no argument list that another user can read shows a setup command or a token, here or on the host', {
  skip: NO_ACCOUNTS,
}, async () => {
  const laptop = world.anotherLaptop();
  const setup = ["export HF_TOKEN='hf_it''s-secret'", 'true hf_it && sleep 0.765'];
  const spec = { destination: 'loopback', 'ssh-config': world.sshd.sshConfig, setup };
  writePrivate(laptop.configurationFile, JSON.stringify({ servers: { second: spec } }));
  const look = 'while :; do ps -A -ww -o args=; cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "; done';
  const { uid, gid } = other;
  const watcher = spawn('sh', ['-c', look], {
    uid,
    gid,
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  let seen = '';
  watcher.stdout.on('data', (text: Buffer) => {
    seen += text;
  });
  try {
    await done(laptop, 'start', 'second', '--no-browser', ...(await ports()));
    await done(laptop, 'restart', 'second');
    await laptop.run('doctor', 'second');
    const { token } = serverRecord(laptop, 'second');
    // They run only for a moment: a busy machine may show them only in a later try.
    await eventually('each of them was seen', async () => {
      if (['sleep 0.765', '--notebook-dir=', '/bin/sh -s'].every((running) => seen.includes(running)))
        return true;
      await laptop.run('doctor', 'second');
      return false;
    });
    await done(laptop, 'stop', 'second');
    const lines = seen.split('\n').filter((line) => line.includes('hf_it') || line.includes(token));
    assert.deepEqual(lines, []);
  } finally {
    process.kill(-(watcher.pid ?? 0), 'SIGKILL');
  }
});

test(
  'a command of another user with this state folder is refused, and changes nothing',
  needsAccounts,
  () => {
    const state = () => below(world.laptop.stateFolder).map((file) => [file, statSync(file).mtimeMs]);
    const before = state();
    // A place where the other user can read it, wherever this repository is.
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
      assert.match(stderr, /^Error: cannot read .*(state|runs)\.json: EACCES: permission denied\n/);
    }
    assert.deepEqual(state(), before);
  },
);
