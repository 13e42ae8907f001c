import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { debian13, NO_DEBIAN_13 } from '../hosts/debian13/debian13.ts';
import { worldFor } from '../hosts/lasting.ts';
import { advice } from './advice.ts';

/** Causes that the sshd of OpenSSH 10 has, in Debian 13. */

const needs = { skip: NO_DEBIAN_13 };

test(
  'if the host blocks this machine after failed logins, the advice says how long to wait',
  needs,
  async (context) => {
    const world = await worldFor(context, {
      ...(await debian13()),
      sshdConfig: ['PerSourcePenalties authfail:600s min:1s', 'PerSourcePenaltyExemptList none'],
    });
    const keys = readFileSync(world.sshd.authorizedKeys, 'utf8');
    writeFileSync(world.sshd.authorizedKeys, '');
    const { code } = await world.laptop.run('start', 'loopback', '{F}', '--no-browser');
    assert.equal(code, 1);
    writeFileSync(world.sshd.authorizedKeys, keys);
    const { said, remedy, step } = await advice(world);
    assert.match(said, /kex_exchange_identification/);
    assert.match(
      remedy,
      /^sshd has blocked this machine for a while, after failed logins \(PerSourcePenalties\)/,
    );
    assert.equal(step, 'host key');
  },
);

test('the sshd of OpenSSH 10 refuses a key with a message that the table knows', needs, async (context) => {
  const world = await worldFor(context, {
    ...(await debian13()),
    sshdConfig: ['PerSourcePenalties no'],
  });
  writeFileSync(world.sshd.authorizedKeys, '');
  const { said, remedy } = await advice(world);
  assert.match(said, /Permission denied \(publickey\)\.$/);
  assert.match(remedy, /^Install your key there/);
});

test(
  'for an account of OpenSSH 10 that may only copy files, the advice is to ask for a shell',
  needs,
  async (context) => {
    const world = await worldFor(context, {
      ...(await debian13()),
      sshdConfig: ['ForceCommand internal-sftp'],
    });
    assert.match((await advice(world)).remedy, /^The account may only copy files/);
  },
);
