import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { makeFolder } from '../hosts/standing.ts';
import { makeLaptop, PROGRAM } from '../hosts/world.ts';

/** Readers that have seen enough, as `head` has. */

const folder = makeFolder('rn-pipes-');

/** Runs a command whose reader is gone already, and answers with what it says to the user. */
function unread(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const [node = '', ...words] = [...PROGRAM, ...args];
  const child = spawn(node, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  child.stdout.destroy();
  return new Promise((resolve) => child.once('close', () => resolve(said)));
}

test('a reader who is gone costs no stack trace', async () => {
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
