import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { loginCommand } from '../../src/ssh/arguments.ts';
import { CLEAN } from '../hosts/clean.ts';
import { conversationOn, exchangeWith } from '../hosts/conversation.ts';
import { type Keeping, makeKeeping } from '../hosts/keeping.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { descendantsOf, openFiles, peakMemory } from '../hosts/proc.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';

/** A link that is lost again and again, while much passes: nothing of that is lost, and nothing is left of the losses. */

/** Lets a keeper write the size of its heap after a collection, in bytes, when it gets SIGUSR2. */
const PRELOAD = `
const { renameSync, writeFileSync } = require('node:fs');
process.on('SIGUSR2', () => {
  for (let turn = 0; turn < 5; turn++) gc();
  writeFileSync(FILE + '.new', String(process.memoryUsage().heapUsed));
  renameSync(FILE + '.new', FILE);
});
`;

let keeping: Keeping;
let collected: string;
before(async () => {
  const folder = makeFolder();
  collected = join(folder, 'heap');
  const preload = join(folder, 'preload.cjs');
  writeFileSync(preload, PRELOAD.replaceAll('FILE', JSON.stringify(collected)));
  keeping = await makeKeeping({ node: ['--require', preload] });
  await keeping.request({ do: 'try' });
  await keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
});
after(() => keeping?.remove());

async function heap(): Promise<number> {
  rmSync(collected, { force: true });
  process.kill(keeping.pid(), 'SIGUSR2');
  await eventually('the keeper has written its size', () => existsSync(collected));
  return Number(readFileSync(collected, 'utf8'));
}

/** What exists of the tunnel on both sides. */
function standing() {
  const pids = [keeping.pid(), keeping.host.pid()];
  return {
    files: pids.map(openFiles),
    processes: pids.map((pid) => descendantsOf(pid).length),
    sessions: descendantsOf(keeping.sshd.pid()).length,
    // Forwarded sockets are named after their ssh.
    names: readdirSync(keeping.folder)
      .map((name) => name.replace(/\d+/, 'PID'))
      .sort(),
  };
}

/** What exists of the tunnel once nothing of it has changed for some seconds: what ends takes a moment. */
async function settled() {
  let [last, since] = ['', 0];
  await eventually('nothing begins or ends any more', () => {
    const now = JSON.stringify(standing());
    if (now !== last) [last, since] = [now, Date.now()];
    return Date.now() - since > 3000;
  });
  return standing();
}

const killSsh = async () => {
  const { ssh } = await keeping.status();
  signalQuietly(ssh?.pid ?? 0, 'SIGKILL');
  await eventually('it is noticed', async () => {
    const now = await keeping.status();
    return now.phase !== 'connected' || now.ssh?.pid !== ssh?.pid;
  });
  // As a user who does not want to wait.
  await keeping.request({ do: 'try' });
};

/** Another ssh takes the place of one that is stopped, and that nobody has noticed yet. */
async function freezeSsh(): Promise<void> {
  const { folder, sshd } = keeping;
  const controlPath = join(folder, 'login');
  signalQuietly((await keeping.status()).ssh?.pid ?? 0, 'SIGSTOP');
  const connection = { destination: 'loopback', sshConfig: sshd.sshConfig, folder, controlPath };
  const [program, ...words] = loginCommand(connection, controlPath, true);
  assert.equal(spawnSync(program, words, { stdio: 'ignore', env: CLEAN }).status, 0);
  assert.equal((await keeping.request({ do: 'adopt', controlPath })).phase, 'connected');
}

/** Kills ssh `count` times, each after bytes went both ways; before every fifth time, another ssh takes its place. */
async function loseOften(count: number, say: (text: string) => Promise<unknown>): Promise<void> {
  for (let kill = 0; kill < count; kill++) {
    if (kill % 5 === 0) {
      await freezeSsh();
      await say(`after freeze ${kill}`);
    }
    await killSsh();
    await say(`after kill ${kill}`);
  }
}

/** What is there afterwards is what was there before. Returns by how much the keeper's heap has grown, in bytes. */
async function leavesNothing(work: () => Promise<void>, t: TestContext): Promise<number> {
  const before = await settled();
  const heapBefore = await heap();
  await work();
  let now = standing();
  await eventually('what is there is what was there before', () => {
    now = standing();
    return JSON.stringify(now) === JSON.stringify(before);
  }).catch(() => assert.deepEqual(now, before));
  const grown = (await heap()) - heapBefore;
  const [keeper, relay] = peaks();
  t.diagnostic(`heap: ${(grown / 1e6).toFixed(2)} MB more; memory: keeper ${keeper} kB, relay ${relay} kB`);
  assert.doesNotMatch(keeping.host.log(), / ends: /);
  return grown;
}

const peaks = () => [keeping.pid(), keeping.host.pid()].map((pid) => peakMemory(pid) ?? 0);

test('two hundred kills of ssh, and forty that are stopped and taken over, leave nothing behind, and take less than 80 MB', {
  skip: NO_PROC,
}, async (t) => {
  const { socket, say } = conversationOn(keeping.dial());
  await loseOften(10, say);
  const grown = await leavesNothing(() => loseOften(200, say), t);
  assert.ok(grown < 1e6, `${grown} bytes more`);
  for (const peak of peaks()) assert.ok(peak < 80_000, `${peak} kB`);
  socket.destroy();
});

test('twenty busy streams lose nothing under fifty kills, and leave nothing behind', {
  skip: NO_PROC,
}, async (t) => {
  const { socket, say } = conversationOn(keeping.dial());
  await loseOften(5, say);
  await leavesNothing(async () => {
    let isOver = false;
    const streams = Promise.all(
      Array.from({ length: 20 }, async () => {
        while (!isOver) await exchangeWith(keeping.dial(), 1 + Math.floor(Math.random() * 500_000));
      }),
    );
    await loseOften(50, say).finally(() => {
      isOver = true;
    });
    await streams;
  }, t);
  socket.destroy();
});
