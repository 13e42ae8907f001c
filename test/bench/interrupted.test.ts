import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../hosts/world.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'rn-b-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** The PIDs that have the bench's own folder for temporary files. */
function processes(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`TMPDIR=${folder}`);
    } catch {
      return false;
    }
  });
}

const made = () => readdirSync(folder).filter((name) => name.startsWith('rn-'));

function startBench(env: NodeJS.ProcessEnv = {}): { pid: number; ended: Promise<number | null> } {
  const bench = fileURLToPath(new URL('./bench.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', bench, 'verbs'], {
    env: { ...process.env, TMPDIR: folder, ...env },
    stdio: 'ignore',
    detached: true,
  });
  return { pid: child.pid ?? 0, ended: new Promise((resolve) => child.once('exit', resolve)) };
}

/** Presses Ctrl-C when the bench has come so far, and answers with its exit status. */
async function interrupted(what: string, isFarEnough: () => boolean): Promise<number | null> {
  const { pid, ended } = startBench();
  await eventually(what, isFarEnough, 60_000, 1);
  // To all of its group, as a terminal does.
  process.kill(-pid, 'SIGINT');
  return ended;
}

const needsProc = {
  skip: process.platform !== 'linux' && 'only Linux tells what is in the environment of a process',
};

test('a bench that Ctrl-C ends takes down its host, its servers and its folders', needsProc, async () => {
  const isConnected = () =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('/control'));
  assert.equal(await interrupted('the bench has a connection to its host', isConnected), 130);
  assert.deepEqual([made(), processes()], [[], []]);
});

test('a bench that Ctrl-C ends while it makes its host leaves nothing of it', needsProc, async () => {
  assert.equal(await interrupted('the bench has a folder', () => made().length > 0), 130);
  assert.deepEqual([made(), processes()], [[], []]);
});

test('a bench that cannot make its host fails, and leaves nothing of it', needsProc, async () => {
  assert.equal(await startBench({ PATH: '/nowhere' }).ended, 1);
  assert.deepEqual([made(), processes()], [[], []]);
});
