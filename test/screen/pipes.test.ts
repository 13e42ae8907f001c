import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { makeFolder } from '../hosts/standing.ts';
import { makeLaptop, PROGRAM } from '../hosts/world.ts';

/** Readers that stop early, as `head` does. */

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
