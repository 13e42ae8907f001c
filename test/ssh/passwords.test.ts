import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type Account, makeAccount } from '../hosts/accounts.ts';
import { keeperOf } from '../hosts/keeper.ts';
import { worldFor } from '../hosts/lasting.ts';
import { NO_ACCOUNTS } from '../hosts/needs.ts';
import type { Shown } from '../hosts/servers.ts';
import { done, statusOf, stderrOf } from '../hosts/servers.ts';
import { signalTo } from '../hosts/signal.ts';
import { ports } from '../hosts/sshd.ts';
import { openTerminal, type TerminalWindow } from '../hosts/terminal.ts';
import { eventually, makeWorld, PROGRAM } from '../hosts/world.ts';

/** Accounts with a password: ssh asks for it once, on the terminal, and never in the background. */

const PASSWORD = 'correct horse battery';

let account: Account;
before(() => {
  if (NO_ACCOUNTS) return;
  account = makeAccount('bash');
  execFileSync('chpasswd', { input: `${account.name}:${PASSWORD}\n` });
});
after(() => account?.remove());

const WAYS = [
  {
    name: 'a password',
    sshdConfig: ['PubkeyAuthentication no', 'PasswordAuthentication yes', 'UsePAM yes'],
    question: "'s password:",
  },
  {
    name: 'a keyboard-interactive question',
    sshdConfig: ['PubkeyAuthentication no', 'KbdInteractiveAuthentication yes', 'UsePAM yes'],
    question: 'Password:',
  },
];

for (const { name, sshdConfig, question } of WAYS) {
  test(`ssh asks for ${name} only once for any number of commands`, { skip: NO_ACCOUNTS }, async () => {
    const world = await makeWorld({ account, sshdConfig });
    const { laptop } = world;
    const windows: TerminalWindow[] = [];
    /** Types the password when ssh asks for it. Returns the whole output. */
    const answered = async (...args: string[]): Promise<string> => {
      const window = openTerminal([...PROGRAM, ...args, '-F', world.sshd.sshConfig], laptop.env);
      windows.push(window);
      await window.saw(question);
      window.type(`${PASSWORD}\n`);
      assert.equal(await window.ended, 0, window.shown());
      return window.shown();
    };
    const status = async (): Promise<Shown> => await statusOf(laptop);
    try {
      const shown = await answered('start', 'loopback', '--no-browser', ...(await ports()));
      assert.equal(shown.split(question).length, 2, shown);
      assert.doesNotMatch(shown, new RegExp(PASSWORD));
      for (const verb of ['start', 'status', 'logs', 'forward']) {
        await stderrOf(0, laptop, verb, ...(verb === 'start' ? ['loopback', '{F}', '--no-browser'] : []));
      }
      assert.equal(world.sshd.log().match(/Accepted /g)?.length, 1);
      // The connection is lost: ssh cannot ask, and tries once without a password.
      const before = await status();
      const tries = () => world.sshd.log().match(/^Connection from /gm)?.length ?? 0;
      const triesBefore = tries();
      signalTo(keeperOf(laptop).ssh, 'SIGKILL');
      await eventually('the keeper gives up', async () => (await status()).state === 'needs-login');
      assert.equal(tries(), triesBefore + 1);
      assert.doesNotMatch(world.sshd.log(), /Failed password/);
      await answered('forward', 'loopback');
      const again = await status();
      assert.equal(again.state, 'connected');
      assert.deepEqual([again.jupyter.pid, again.url], [before.jupyter.pid, before.url]);
      await done(laptop, 'stop');
    } finally {
      for (const window of windows) await window.close();
      await world.remove();
    }
  });
}

test('without a terminal, a required password is reported, with the way to avoid it', {
  skip: NO_ACCOUNTS,
}, async (context) => {
  const world = await worldFor(context, { account, sshdConfig: WAYS[0]?.sshdConfig ?? [] });
  const stderr = await stderrOf(1, world.laptop, 'start', 'loopback', '{F}', '--no-browser');
  assert.match(stderr, /Permission denied/);
  assert.match(stderr, /The host requires password: run the command on a terminal/);
});

test('after a mistyped password, a lost connection does not lead to another question', {
  skip: NO_ACCOUNTS,
}, async () => {
  const world = await makeWorld({ account, sshdConfig: ['PasswordAuthentication yes', 'UsePAM yes'] });
  const { laptop, sshd } = world;
  writeFileSync(sshd.authorizedKeys, '');
  const args = ['start', 'loopback', '--no-browser', ...(await ports()), '-F', sshd.sshConfig];
  const window = openTerminal([...PROGRAM, ...args], laptop.env);
  try {
    await window.saw("'s password:");
    window.type('mistyped\n');
    await window.saw('please try again');
    await eventually('it asks again', () => window.shown().split("'s password:").length === 3);
    window.type(`${PASSWORD}\n`);
    assert.equal(await window.ended, 0, window.shown());
    writeFileSync(sshd.authorizedKeys, readFileSync(`${sshd.key}.pub`));
    const before = keeperOf(laptop).ssh;
    signalTo(before, 'SIGKILL');
    await eventually('another ssh is connected', () => {
      const state = keeperOf(laptop);
      return state.phase === 'connected' && state.ssh?.pid !== before?.pid;
    });
  } finally {
    await window.close();
    await world.remove();
  }
});
