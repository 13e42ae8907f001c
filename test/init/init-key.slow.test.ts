import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Account, makeAccount } from '../hosts/accounts.ts';
import { dialogueIn } from '../hosts/first-time.ts';
import { NO_ACCOUNTS } from '../hosts/needs.ts';
import { done } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { CTRL_C, ENTER, openTerminal } from '../hosts/terminal.ts';
import { makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** A user without any SSH key, on a host that accepts a password. */

const PASSWORD = 'correct horse battery';
const needsAccounts = { skip: NO_ACCOUNTS };

let account: Account;
before(() => {
  if (NO_ACCOUNTS) return;
  account = makeAccount('bash');
  execFileSync('chpasswd', { input: `${account.name}:${PASSWORD}\n` });
});
after(() => account?.remove());

/** Runs `init` for a user who has no key yet. @param use gets the file where it would be */
async function withoutKey(
  sshdConfig: readonly string[],
  use: (dialogue: ReturnType<typeof dialogueIn>, key: string, world: World) => Promise<void>,
): Promise<void> {
  const world = await makeWorld({ account, sshdConfig });
  const { sshd, laptop } = world;
  const key = join(sshd.folder, 'new folder', 'id_ed25519');
  rmSync(sshd.authorizedKeys);
  const config = readFileSync(sshd.sshConfig, 'utf8').replaceAll(/IdentityFile .*/g, `IdentityFile "${key}"`);
  writeFileSync(sshd.sshConfig, config);
  const args = ['init', 'loopback', '-F', sshd.sshConfig, '--no-browser', ...(await ports())];
  const window = openTerminal([...PROGRAM, ...args], laptop.env);
  try {
    await use(dialogueIn(window), key, world);
  } finally {
    await window.close();
    await world.remove();
  }
}

const WITH_PASSWORD = ['PasswordAuthentication yes', 'UsePAM yes', 'AuthorizedKeysFile .ssh/authorized_keys'];

test(
  'init offers a user without a key to create one and to install it, over the connection that is open',
  needsAccounts,
  async () => {
    await withoutKey(WITH_PASSWORD, async (dialogue, key, world) => {
      await dialogue.answer("'s password:", `${PASSWORD}\n`);
      await dialogue.says('You have no SSH key.');
      await dialogue.answer('install it on loopback (ssh-copy-id)? [Y/n]', ENTER);
      await dialogue.answer('Enter passphrase', '\n');
      await dialogue.answer('Enter same passphrase', '\n');
      await dialogue.says(`From now on, ssh logs in to loopback with ${key}.`);
      await dialogue.answer('Directory', ENTER);
      await dialogue.answer('Environment', ENTER);
      await dialogue.answer('A name', ENTER);
      await dialogue.answer('Leave it', `n${ENTER}`);
      await dialogue.answer('Install aliases', ENTER);
      assert.equal(await dialogue.ended(), 0, dialogue.shown());
      assert.equal(dialogue.shown().split('password:').length, 2, dialogue.shown());
      assert.doesNotMatch(dialogue.shown(), /ssh-add/);
      assert.equal(statSync(key).mode & 0o777, 0o600);
      // Without a terminal, nobody can type a password.
      await done(world.laptop, 'start', '--no-browser');
      await done(world.laptop, 'stop');
    });
  },
);

test(
  'after creating a key with a passphrase, init advises to add it to the agent; a later Ctrl-C lists what is kept',
  needsAccounts,
  async () => {
    await withoutKey(WITH_PASSWORD, async (dialogue, key, world) => {
      await dialogue.answer("'s password:", `${PASSWORD}\n`);
      await dialogue.answer('install it on loopback (ssh-copy-id)? [Y/n]', `y${ENTER}`);
      await dialogue.answer('Enter passphrase', 'open sesame\n');
      await dialogue.answer('Enter same passphrase', 'open sesame\n');
      await dialogue.says(`add the key to your agent: ssh-add '${key}'`);
      await dialogue.answer('Directory', CTRL_C);
      assert.equal(await dialogue.ended(), 130, dialogue.shown());
      await dialogue.says(
        `Interrupted; nothing is left behind but the key ${key} and its public key on loopback.`,
      );
      const publicKey = readFileSync(`${key}.pub`, 'utf8');
      assert.ok(readFileSync(join(account.home, '.ssh', 'authorized_keys'), 'utf8').includes(publicKey));
      assert.equal(existsSync(world.laptop.configurationFile), false);
    });
  },
);

test(
  'a user who declines a key is asked only once, and init continues with the password',
  needsAccounts,
  async () => {
    await withoutKey(WITH_PASSWORD, async (dialogue, key) => {
      await dialogue.answer("'s password:", `${PASSWORD}\n`);
      await dialogue.answer('install it on loopback (ssh-copy-id)? [Y/n]', `n${ENTER}`);
      await dialogue.answer('Directory', `no-such${ENTER}`);
      await dialogue.says('does not exist');
      await dialogue.answer('Directory', CTRL_C);
      assert.equal(await dialogue.ended(), 130, dialogue.shown());
      assert.equal(dialogue.shown().split('You have no SSH key').length, 2);
      assert.equal(existsSync(key), false);
    });
  },
);

test(
  'if a host accepts only keys, init offers to create one, and shows the line for the administrator',
  needsAccounts,
  async () => {
    await withoutKey(
      ['PasswordAuthentication no', 'KbdInteractiveAuthentication no'],
      async (dialogue, key) => {
        await dialogue.says('cannot connect to loopback');
        await dialogue.answer('You have no SSH key. Create one (ssh-keygen)? [Y/n]', ENTER);
        await dialogue.answer('Enter passphrase', '\n');
        await dialogue.answer('Enter same passphrase', '\n');
        await dialogue.says(
          'Ask the administrator of loopback to add this line to ~/.ssh/authorized_keys there:',
        );
        await dialogue.says('ssh-ed25519 AAAA');
        await dialogue.answer('What now? [destination]', `stop${ENTER}`);
        assert.equal(await dialogue.ended(), 1, dialogue.shown());
        assert.equal(statSync(key).mode & 0o777, 0o600);
      },
    );
  },
);
