import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { untilEnd } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';
import { advice, variant, withLines } from './advice.ts';

/** What can be wrong with keys and agents, produced for real: `start` and `doctor` give the remedy for the cause. */

const world = await worldPerFile();
const { folder, key, authorizedKeys } = world.sshd;

/** An ssh_config with another key, and another agent than none. */
const withKey = (file: string, agent = 'none') =>
  variant(world, (text) =>
    text
      .replace(/IdentityFile .*/, `IdentityFile ${file}`)
      .replace('IdentityAgent none', `IdentityAgent ${agent}`),
  );

function makeKey(name: string, passphrase = ''): string {
  const file = join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', file]);
  return file;
}

/** An agent without keys. */
async function startAgent(name: string): Promise<{ socket: string; end: () => void }> {
  const socket = join(folder, name);
  const agent = untilEnd(spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' }));
  // The socket's file is there before the agent listens. ssh-add(1): 1 is an agent without keys, 2 is none.
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  await eventually('the agent answers', () => spawnSync('ssh-add', ['-l'], { env }).status === 1);
  return { socket, end: () => agent.kill() };
}

test('a key file that others can read needs chmod 600', async () => {
  const open = join(folder, 'open');
  copyFileSync(key, open);
  chmodSync(open, 0o644);
  assert.deepEqual(await advice(world, withKey(open)), {
    said: "cannot connect to loopback: Permissions 0644 for 'SSHD/open' are too open.",
    remedy: 'ssh ignores a key that others can read: chmod 600 SSHD/open',
    step: 'authentication',
  });
  // ssh does not mention the file if the host refuses its public key.
  const stranger = makeKey('open2');
  chmodSync(stranger, 0o644);
  assert.match((await advice(world, withKey(stranger))).remedy, /: chmod 600 SSHD\/open2$/);
});

test('an IdentityFile that does not exist is reported as the cause, not the host', async () => {
  const { said, remedy, step } = await advice(world, withKey(join(folder, 'absent')));
  assert.equal(said, 'cannot connect to loopback: no such identity: SSHD/absent: No such file or directory');
  assert.match(
    remedy,
    /^The key file SSHD\/absent does not exist: fix the IdentityFile in SSHD\/ssh_config\d+/,
  );
  assert.equal(step, 'authentication');
});

test('a key file that is not a key is named', async () => {
  const broken = join(folder, 'broken');
  writeFileSync(broken, 'not a key\n', { mode: 0o600 });
  const { said, remedy } = await advice(world, withKey(broken));
  assert.match(said, /: Load key "SSHD\/broken": (error in libcrypto|invalid format)$/);
  assert.match(remedy, /^SSHD\/broken is not a private key that ssh can read\./);
});

test('for a key with a passphrase, the advice is to load it into an agent, and to start one if none is running', async () => {
  const locked = makeKey('locked', 'open sesame');
  const wanted = 'The key needs its passphrase, which ssh cannot ask for here. Load it into an agent:';
  assert.equal(
    (await advice(world, withKey(locked))).remedy,
    `${wanted} eval "$(ssh-agent)"; ssh-add SSHD/locked`,
  );
  const agent = await startAgent('agent');
  try {
    assert.equal(
      (await advice(world, withKey(locked, agent.socket))).remedy,
      `${wanted} ssh-add SSHD/locked`,
    );
  } finally {
    agent.end();
  }
});

test('for a user without any key, the advice is to create one', async () => {
  const config = variant(world, (text) => text.replace(/ *IdentityFile .*\n/, ''));
  const { remedy } = await advice(world, config);
  assert.match(
    remedy,
    /^You have no key that ssh could offer\. Make one, and install it: ssh-keygen -t ed25519, then ssh-copy-id -F SSHD\/ssh_config\d+ loopback$/,
  );
});

test('for a key that the host refuses, the advice is to install it there, and to check the log of sshd', async () => {
  const { said, remedy } = await advice(world, withKey(makeKey('stranger')));
  assert.match(said, /Permission denied \(publickey\)\.$/);
  assert.match(remedy, /^Install your key there: ssh-copy-id -F .*sshd's log on the host has the reason/);
});

test('the advice to install the key is the same if the refused key is in an agent', async () => {
  const agent = await startAgent('agent2');
  try {
    const stranger = makeKey('stranger2');
    execFileSync('ssh-add', ['-q', stranger], { env: { ...process.env, SSH_AUTH_SOCK: agent.socket } });
    const { remedy } = await advice(world, withKey(`${stranger}.pub`, agent.socket));
    assert.match(remedy, /^Install your key there: /);
  } finally {
    agent.end();
  }
});

test('an agent that refuses to sign is named', async () => {
  const agent = await startAgent('agent3');
  try {
    // Without a way to ask for the confirmation, the agent refuses.
    const env = { ...process.env, SSH_AUTH_SOCK: agent.socket, SSH_ASKPASS: '/bin/false' };
    execFileSync('ssh-add', ['-q', '-c', key], { env });
    const { said, remedy } = await advice(world, withKey(`${key}.pub`, agent.socket));
    assert.match(said, /from agent: agent refused operation$/);
    assert.match(remedy, /unlock the agent or confirm the use, or load the key again: ssh-add SSHD\/key$/);
  } finally {
    agent.end();
  }
});

test('if ssh offers too many keys, the advice is IdentitiesOnly', async () => {
  const files = Array.from({ length: 7 }, (_, index) => makeKey(`many${index}`));
  const config = withLines(world, ...files.map((file) => `  IdentityFile ${file}`));
  const { said, remedy } = await advice(world, config);
  assert.match(said, /Too many authentication failures$/);
  assert.match(remedy, /Add to the Host of loopback in SSHD\/ssh_config\d+: IdentitiesOnly yes/);
});

test('the remedy for a passphrase names the key that has one, among keys that do not exist', async () => {
  const locked = makeKey('locked2', 'open sesame');
  const config = variant(world, (text) =>
    text.replace(/IdentityFile .*/, `IdentityFile ${join(folder, 'none')}\n  IdentityFile ${locked}`),
  );
  const { remedy } = await advice(world, config);
  assert.match(remedy, /ssh-add SSHD\/locked2$/);
});

test('a key that authorized_keys accepts only from other addresses is reported as refused', async () => {
  const text = readFileSync(authorizedKeys, 'utf8');
  writeFileSync(authorizedKeys, `from="192.0.2.1" ${text}`);
  try {
    assert.match((await advice(world)).remedy, /^Install your key there/);
  } finally {
    writeFileSync(authorizedKeys, text);
  }
});
