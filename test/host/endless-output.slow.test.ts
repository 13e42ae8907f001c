import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { attempt } from '../../src/system/errors.ts';
import { failed } from '../hosts/failure.ts';
import { connectionFolder } from '../hosts/keeper.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { commandLineOf, peakMemory } from '../hosts/proc.ts';
import { done, serverRecord, started } from '../hosts/servers.ts';
import { eventually, PROGRAM, type Running } from '../hosts/world.ts';

/** A host that prints endless output uses little memory and disk of this machine. */

/** A command that reads no output has about 100 MB. */
const MAX_MB = 320;

const needsProc = { skip: NO_PROC };
const world = await worldPerFile();
const startUp = join(world.home, '.bashrc');
afterEach(() => rmSync(startUp, { force: true }));

/** The most memory that a process had in RAM, in MB, as long as it could be asked. */
async function peakOf({ pid, ended }: Pick<Running, 'pid' | 'ended'>): Promise<number> {
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, (attempt(() => peakMemory(pid)) || 0) / 1000);
  };
  const watcher = setInterval(look, 10);
  await ended;
  clearInterval(watcher);
  assert.ok(peak > 0, 'its memory was measured');
  return peak;
}

const FRAME = '@remote-notebook phase launch';

/** What start-up files print forever, and what they print before it. */
const ENDLESS: readonly (readonly [what: string, forever: string, before?: string])[] = [
  ['empty lines', "yes ''"],
  ['lines of one letter', 'yes x'],
  ['reports of ours without a value', "yes '@remote-notebook gone'"],
  ['reports of ours with a value of one letter', "yes '@remote-notebook note x'"],
  ['signs of life', "yes '@remote-notebook alive'"],
  ['signs of life within a line', "yes 'x@remote-notebook alive'"],
  ['empty lines after a report of ours', "yes ''", FRAME],
  ['words after a report of ours', 'yes on and on', FRAME],
  ['signs of life after a report of ours', "yes '@remote-notebook alive'", FRAME],
];

for (const [what, forever, before = ''] of ENDLESS) {
  test(
    `the connection to a host that prints ${what} forever is closed, and uses little memory here`,
    needsProc,
    async () => {
      writeFileSync(startUp, `printf '%s\\n' '${before}'\n${forever}\n`);
      const running = world.laptop.start('start', 'loopback', '{F}', '--no-browser');
      const peak = await peakOf(running);
      assert.match(await failed(world, await running.ended), /^Error: loopback keeps printing output/);
      assert.ok(peak < MAX_MB, `${peak} MB`);
    },
  );
}

test('endless error output of a host uses little memory here', needsProc, async () => {
  for (const line of ["yes '' >&2", 'while :; do printf x >&2; done']) {
    const begun = join(world.home, 'begun');
    rmSync(begun, { force: true });
    writeFileSync(startUp, `: >'${begun}'\n${line}\n`);
    const running = world.laptop.start('status', 'loopback', '{F}', '--all');
    const measured = peakOf(running);
    await eventually('the host prints', () => existsSync(begun));
    setTimeout(() => running.signal('SIGINT'), 3000);
    const peak = await measured;
    assert.equal((await running.ended).code, 130);
    assert.ok(peak < MAX_MB, `${line}: ${peak} MB`);
  }
});

test('printing a log of any length to a slow reader uses little memory', needsProc, async () => {
  await started(world.laptop);
  const lines = 1_500_000;
  const log = join(serverRecord(world.laptop).folder, 'log');
  writeFileSync(log, `${'0123456789'.repeat(15)}\n`.repeat(lines));
  const [node = '', cli = ''] = PROGRAM;
  const child = spawn(node, [cli, 'logs', '-n', String(lines)], {
    env: world.laptop.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let size = 0;
  // Reads nothing for some seconds.
  setTimeout(() => {
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
  }, 5000);
  const peak = await peakOf({ pid: child.pid ?? 0, ended: ended as never });
  assert.equal(await ended, 0);
  assert.equal(size, statSync(log).size);
  assert.ok(peak < MAX_MB, `${peak} MB`);
  await done(world.laptop, 'stop');
});

test(
  'endless output of a ProxyCommand fills neither memory nor disk, and the connection works',
  needsProc,
  async () => {
    const laptop = world.anotherLaptop();
    const chatty = join(world.home, 'ssh_config');
    const proxy = `sh -c 'yes chatter >&2 & exec ssh -F ${world.sshd.sshConfig} -W 127.0.0.1:${world.sshd.port} loopback'`;
    writeFileSync(chatty, `Match all\n  ProxyCommand ${proxy}\nInclude ${world.sshd.sshConfig}\n`, {
      mode: 0o600,
    });
    const running = laptop.start('start', 'loopback', '-F', chatty, '--no-browser');
    const peak = await peakOf(running);
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.ok(peak < MAX_MB, `${peak} MB`);
    const output = join(connectionFolder(laptop), 'log');
    await eventually(
      'the chatter has ended',
      () => !world.processes().some((pid) => /^yes chatter/.test(commandLineOf(pid))),
    );
    assert.ok(statSync(output).size <= 64 * 1024 * 1024, `${statSync(output).size} bytes`);
    await done(laptop, 'status');
    await done(laptop, 'stop');
  },
);
