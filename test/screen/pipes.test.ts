import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from '../hosts/standing.ts';
import { makeLaptop, PROGRAM } from '../hosts/world.ts';

/** Readers that stop early, as `head` does, and a command that stops early itself. */

const folder = makeFolder('rn-pipes-');

/** Runs a command whose reader has already closed the pipe, and returns its standard error. */
function unread(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const [node = '', ...words] = [...PROGRAM, ...args];
  const child = spawn(node, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  child.stdout.destroy();
  return new Promise((resolve) => child.once('close', () => resolve(stderr)));
}

test('a closed pipe causes no stack trace', async () => {
  const laptop = makeLaptop(folder, '/dev/null', 'none');
  for (const args of [
    ['completion', 'bash'],
    ['completion', '--words', ''],
    ['--version'],
    ['status'],
    ['--help'],
    [],
  ])
    assert.doesNotMatch(await unread(args, laptop.env), /EPIPE|\bat .*:\d+/, args.join(' '));
});

test('a command that ends before it has an answer has not succeeded', () => {
  const { env, stateFolder } = makeLaptop(join(folder, 'waiting'), '/dev/null', 'none');
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  // It waits for another command, by timers that this Node does not have.
  symlinkSync('another machine', join(stateFolder, 'server-loopback.lock'));
  const preload = join(folder, 'no-timers.cjs');
  writeFileSync(preload, "require('node:timers/promises').setTimeout = () => new Promise(() => {});");
  const [node = '', ...words] = [...PROGRAM, 'start', 'loopback'];
  const { status } = spawnSync(node, words, { env: { ...env, NODE_OPTIONS: `--require ${preload}` } });
  assert.equal(status, 1);
});

test('a result that cannot be written, as on a full disk, is a failure that says so', {
  skip: !existsSync('/dev/full') && 'there is no /dev/full',
}, () => {
  const { env } = makeLaptop(join(folder, 'full'), '/dev/null', 'none');
  const [node = '', ...words] = PROGRAM;
  for (const args of [['status', '--json'], ['completion', 'bash'], ['--help']]) {
    const stdio = ['ignore', openSync('/dev/full', 'w'), 'pipe'] as const;
    const { status, stderr } = spawnSync(node, [...words, ...args], {
      env,
      stdio: [...stdio],
      encoding: 'utf8',
    });
    assert.match(stderr, /Error: cannot write the result: ENOSPC: .*\nMake room on the disk/, args.join(' '));
    assert.equal(status, 1, args.join(' '));
  }
});
