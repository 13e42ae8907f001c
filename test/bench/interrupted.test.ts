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

test('a bench that Ctrl-C ends takes down its host, its notebooks and its folders', {
  skip: process.platform !== 'linux' && 'only Linux tells what is in the environment of a process',
}, async () => {
  const bench = fileURLToPath(new URL('./bench.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', bench, 'verbs'], {
    env: { ...process.env, TMPDIR: folder },
    stdio: 'ignore',
    detached: true,
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await eventually('the bench has a connection to its host', () =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('/control')),
  );
  // To all of its group, as a terminal does.
  process.kill(-(child.pid ?? 0), 'SIGINT');
  assert.equal(await ended, 130);
  assert.deepEqual([made(), processes()], [[], []]);
});
