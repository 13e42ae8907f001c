import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { type Account, makeAccount } from '../hosts/accounts.ts';
import { keeperOf } from '../hosts/keeper.ts';
import { NO_ACCOUNTS } from '../hosts/needs.ts';
import { makeNetwork } from '../hosts/network.ts';
import { done, statusOf } from '../hosts/servers.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { ownLocalPort } from '../hosts/sshd.ts';
import { CTRL_C, openTerminal, type TerminalWindow } from '../hosts/terminal.ts';
import { eventually, makeWorld, PROGRAM } from '../hosts/world.ts';

/** A tunnel whose login needs a password: what happens to it without its terminal, and when the link is silent. */

const PASSWORD = 'correct horse battery';
const QUESTION = "'s password:";

let account: Account;
before(() => {
  if (NO_ACCOUNTS) return;
  account = makeAccount('bash', 'home');
  execFileSync('chpasswd', { input: `${account.name}:${PASSWORD}\n` });
});
after(() => account?.remove());

test('a tunnel that asked for a password outlives Ctrl-C and its terminal, and a link that is silent twice costs one refused login', {
  skip: NO_ACCOUNTS,
}, async () => {
  const network = makeNetwork();
  const sshdConfig = ['PubkeyAuthentication no', 'PasswordAuthentication yes', 'UsePAM yes'];
  const world = await makeWorld({ account, machine: network, sshdConfig });
  const { laptop, sshd } = world;
  const windows: TerminalWindow[] = [];
  /** Runs a command in a shell on a terminal, until ssh asks. */
  const asked = async (...args: string[]): Promise<TerminalWindow> => {
    const shell = ['sh', '-c', '"$@"; echo "exit status $?"; cat', 'sh'];
    const window = openTerminal([...shell, ...PROGRAM, ...args, '-F', sshd.sshConfig], laptop.env);
    windows.push(window);
    await window.saw(QUESTION);
    return window;
  };
  const ended = (window: TerminalWindow) =>
    eventually('the command has ended', () => window.shown().includes('exit status 0'), 180_000);
  const start = ['start', 'loopback', '--no-browser', ...(await ownLocalPort())];
  // A connection that is given up before it has come to the login, since the link was heard again, is none.
  const refused = () => sshd.log().match(/by authenticating user /g)?.length ?? 0;
  const is = (state: string) =>
    eventually(`it is ${state}`, async () => (await statusOf(laptop)).state === state, 120_000);
  try {
    const given = await asked(...start);
    given.type(CTRL_C);
    await eventually('nothing is left of the first start', () => world.processes().length === 0);

    const window = await asked(...start);
    window.type(`${PASSWORD}\n`);
    await ended(window);
    window.type(CTRL_C);
    await window.close();
    const { url } = await statusOf(laptop);
    const { ssh } = keeperOf(laptop);
    const works = async () => assert.equal((await fetch(new URL('/api', url))).status, 200);
    await works();

    const before = refused();
    for (let silences = 1; silences <= 2; silences++) {
      network.cut();
      await eventually('it is silent', async () => (await statusOf(laptop)).state !== 'connected', 120_000);
      network.restore();
      await works();
      await is('connected');
      assert.deepEqual(keeperOf(laptop).ssh, ssh);
    }
    assert.ok(refused() <= before + 1, `${refused() - before} refused logins`);

    signalQuietly(ssh?.pid ?? 0, 'SIGKILL');
    await is('needs-login');
    const waiting = works();
    const again = await asked('forward', 'loopback');
    again.type(`${PASSWORD}\n`);
    await ended(again);
    await waiting;
    assert.equal(sshd.log().match(/Accepted password/g)?.length, 2);
    await done(laptop, 'stop');
  } finally {
    for (const window of windows) await window.close();
    await world.remove();
    network.remove();
  }
});
