import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { startTimeOf } from '../../src/system/process.ts';
import { type Account, makeAccount, withAccount } from '../hosts/accounts.ts';
import { missing, NO_ACCOUNTS, NO_PROC } from '../hosts/needs.ts';
import { done, started, stderrOf } from '../hosts/servers.ts';
import { AWKWARD_FOLDERS, SHELL_NAMES } from '../hosts/shells.ts';
import { freePort } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/** The start-up files that every ssh command reads. They print half a line. */
const NOISE: Readonly<Record<string, readonly [file: string, text: string]>> = {
  bash: ['.bashrc', "printf 'welcome to bash '; cd /tmp\n"],
  zsh: ['.zshenv', "printf '@remote-notebook noise of zsh'; cd /tmp\n"],
  fish: ['.config/fish/config.fish', "printf 'welcome to fish '; cd /tmp\n"],
  tcsh: ['.tcshrc', "printf 'welcome to tcsh '\n"],
};

function writeOwned(account: Account, file: string, text: string): void {
  const path = join(account.home, file);
  const made = mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  spawnSync('chown', ['-R', `${account.uid}:${account.gid}`, made ?? path]);
}

/** An account whose start-up file prints half a line. */
function withNoisyAccount(
  shell: string,
  use: (account: Account, world: World) => Promise<void>,
): Promise<void> {
  return withAccount(shell, async (account, world) => {
    const noise = NOISE[shell];
    if (noise) writeOwned(account, ...noise);
    await use(account, world);
  });
}

for (const shell of SHELL_NAMES) {
  const greeting = shell in NOISE ? ', whose start-up file greets each command' : '';
  test(
    `start, join, logs and stop work for an account with the login shell ${shell}${greeting}`,
    {
      skip: NO_ACCOUNTS || missing(shell),
    },
    () =>
      withNoisyAccount(shell, async (account, { laptop, anotherLaptop }) => {
        const directory = AWKWARD_FOLDERS.at(-1) ?? '';
        writeOwned(account, join(directory, 'notes.txt'), 'mine');
        const words = ['loopback', '{F}', '--no-browser', '--json', '--port', String(await freePort())];
        const output = await done(laptop, 'start', ...words, `--directory=${directory}`);
        const first = JSON.parse(output);
        assert.equal(first.directory, join(realpathSync(account.home), directory));
        assert.ok(account.processes().includes(first.jupyter.pid));
        const second = await done(anotherLaptop(), 'start', ...words, `--directory=~/${directory}`);
        const { joined, jupyter: server } = JSON.parse(second);
        assert.deepEqual([joined, server.pid], [true, first.jupyter.pid]);
        const log = await done(laptop, 'logs');
        assert.match(log, /Serving notebooks from local directory/);
        assert.doesNotMatch(log, /welcome|noise/);
        await done(laptop, 'stop');
        assert.ok(!account.processes().includes(first.jupyter.pid));
      }),
  );
}

/** A Jupyter that an account started by itself, without this project. */
async function startJupyter(account: Account, port: number): Promise<ChildProcess> {
  const child = spawn('jupyter', ['notebook', '--no-browser', `--port=${port}`], {
    cwd: account.home,
    env: { PATH: process.env.PATH, HOME: account.home },
    uid: account.uid,
    gid: account.gid,
    stdio: 'ignore',
  });
  await eventually('the other Jupyter is up', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/api`).catch(() => undefined);
    return answer?.ok === true;
  });
  return child;
}

const RUNTIME = '.local/share/jupyter/runtime';

function tokenIn(account: Account, pid: number): string {
  const [file] = readdirSync(join(account.home, RUNTIME)).filter((name) =>
    name.endsWith(`server-${pid}.json`),
  );
  return JSON.parse(readFileSync(join(account.home, RUNTIME, file ?? ''), 'utf8')).token;
}

/** Whether `reader` finds this text in any file of the owner's, or about any of the owner's processes. */
function canFind(reader: Account, owner: Account, text: string): boolean {
  const about = owner.processes().flatMap((pid) => [`/proc/${pid}/environ`, `/proc/${pid}/cmdline`]);
  const { status } = spawnSync('grep', ['-rqsaF', '-e', text, owner.home, ...about], {
    uid: reader.uid,
    gid: reader.gid,
  });
  return status === 0;
}

test(
  "another user's Jupyter on the wanted port is named, and survives; neither can read the other's token",
  {
    skip: NO_ACCOUNTS,
  },
  () =>
    withNoisyAccount('bash', async (mine, { laptop }) => {
      const other = makeAccount('bash');
      try {
        const port = await freePort();
        const theirs = await startJupyter(other, port);
        const pid = theirs.pid ?? 0;
        const startTime = await startTimeOf(pid);
        const words = ['loopback', '{F}', '--no-browser', '--port', String(port)];
        const local = ['--local-port', String(await freePort())];
        const strict = await stderrOf(1, laptop, 'start', ...words, ...local, '--strict-port');
        assert.match(strict, new RegExp(`port ${port} of loopback is already in use by user ${other.name}`));
        const started = await laptop.run('start', ...words, ...local);
        assert.equal(started.code, 0, started.stderr);
        assert.match(started.stderr, new RegExp(`: port ${port} is in use by user ${other.name}\n`));
        const { stdout } = await laptop.run('status', '--json');
        const { jupyter: server } = JSON.parse(stdout).servers[0];
        assert.notEqual(server.port, port);
        const [myToken, theirToken] = [tokenIn(mine, server.pid), tokenIn(other, pid)];
        assert.ok(
          canFind(mine, mine, myToken) && canFind(other, other, theirToken),
          'each can read their own',
        );
        assert.ok(!canFind(other, mine, myToken), 'the other user can read my token');
        assert.ok(!canFind(mine, other, theirToken), "I can read the other user's token");
        const theirsLives = async () => {
          assert.equal(await startTimeOf(pid), startTime);
          assert.ok((await fetch(`http://127.0.0.1:${port}/api`)).ok);
        };
        await done(laptop, 'stop', '--yes');
        assert.ok(!mine.processes().includes(server.pid));
        await theirsLives();
        const again = await done(laptop, 'start', ...words, ...local, '--json');
        await done(laptop, 'stop', '--plain', '--yes');
        const mySecond = JSON.parse(again).jupyter.pid;
        await eventually('pkill has ended mine', () => !mine.processes().includes(mySecond));
        await theirsLives();
      } finally {
        await other.remove();
      }
    }),
);

/** How a user's attempt to connect to a socket ends. */
const ENTER =
  "require('net').connect(process.argv[1],()=>{console.log('in');process.exit()}).on('error',(e)=>console.log(e.code))";

function entering(account: Account, socket: string): string {
  const { stdout } = spawnSync(process.execPath, ['-e', ENTER, socket], {
    uid: account.uid,
    gid: account.gid,
    encoding: 'utf8',
  });
  return stdout.trim();
}

test(
  "other users cannot connect to a server's private socket, or read its files",
  {
    skip: NO_ACCOUNTS,
  },
  () =>
    withNoisyAccount('bash', async (mine, { laptop }) => {
      const other = makeAccount('bash');
      try {
        const { jupyter: server } = await started(laptop);
        assert.deepEqual([entering(mine, server.socket), entering(other, server.socket)], ['in', 'EACCES']);
        const kept = [join(mine.home, '.local/state/remote-notebook'), dirname(server.socket)];
        for (const folder of kept) {
          const look = (account: Account) =>
            spawnSync('ls', [folder], { uid: account.uid, gid: account.gid }).status === 0;
          assert.deepEqual([look(mine), look(other)], [true, false], folder);
        }
        assert.equal((await laptop.run('stop')).code, 0);
      } finally {
        await other.remove();
      }
    }),
);

test('a server on a host without setsid keeps running after its connection ends or hangs up', {
  skip: NO_PROC,
}, async () => {
  const folder = makeFolder('rn-path-');
  for (const name of readdirSync('/usr/bin').filter((name) => name !== 'setsid'))
    symlinkSync(join('/usr/bin', name), join(folder, name));
  const world = await makeWorld({ environment: { PATH: folder } });
  try {
    const { laptop, sshd } = world;
    const words = ['start', 'loopback', '{F}', '--no-browser', '--json', '--port', String(await freePort())];
    const output = await done(laptop, ...words);
    const { jupyter: server, tunnel } = JSON.parse(output);
    const session = Number(readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3]);
    assert.notEqual(session, server.pid, 'there was a setsid');
    await sshd.stop();
    process.kill(tunnel.pid, 'SIGKILL');
    process.kill(server.pid, 'SIGHUP');
    await laptop.run('stop', '--keep-server');
    await sshd.start();
    const joined = await laptop.run(...words);
    assert.equal(joined.code, 0, joined.stderr);
    assert.equal(JSON.parse(joined.stdout).joined, true);
    assert.equal(JSON.parse(joined.stdout).jupyter.pid, server.pid);
    assert.equal((await laptop.run('stop')).code, 0);
    await noProcessIsLeft(world);
  } finally {
    await world.remove();
    rmSync(folder, { recursive: true, force: true });
  }
});
