import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, symlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loneLaptopPerTest } from '../hosts/lone-laptop.ts';
import { NO_PROC, NO_ROOT } from '../hosts/needs.ts';
import { PROGRAM } from '../hosts/world.ts';

/** Odd values of the variables that name the user's folders. */

const lone = loneLaptopPerTest();
const { failed } = lone;

test('folders on a file system that does not allow new folders are reported at once', {
  skip: NO_PROC,
}, async () => {
  const { env } = lone.laptop;
  for (const [name, folder] of [
    ['HOME', '/proc/1/.local/state/remote-notebook'],
    ['XDG_STATE_HOME', '/proc/1/remote-notebook'],
  ] as const) {
    if (name === 'HOME') delete env.XDG_STATE_HOME;
    env[name] = '/proc/1';
    const stderr = await failed('start', 'loopback', '{F}');
    assert.match(stderr, new RegExp(`^Error: cannot create the folder ${folder}: E[A-Z]+: `));
    assert.match(stderr, /\nMake \S+ writable, or set XDG_STATE_HOME to another folder\.\n$/);
  }
  env.XDG_CONFIG_HOME = '/proc/1';
  assert.match(await failed('start', 'loopback', '{F}', '--save', 'x'), /^Error: cannot (write|create)/);
});

test('a relative, empty or missing folder in a variable is replaced by its default', async () => {
  const { env } = lone.laptop;
  for (const value of ['rel', '', undefined]) {
    Object.assign(env, { XDG_CONFIG_HOME: value, XDG_STATE_HOME: value });
    const { stdout } = await lone.laptop.run('config', 'path');
    assert.equal(stdout, `${env.HOME}/.config/remote-notebook/config.yaml\n`);
  }
  for (const value of ['rel', '', undefined]) {
    env.HOME = value;
    const { stdout } = await lone.laptop.run('config', 'path');
    assert.equal(stdout, `${userInfo().homedir}/.config/remote-notebook/config.yaml\n`);
  }
});

test('a home folder that is a file, a broken link or read-only is reported before anything is run', async () => {
  const { env } = lone.laptop;
  delete env.XDG_STATE_HOME;
  env.HOME = '/dev/null';
  assert.match(await failed('start', 'loopback', '{F}'), /^Error: cannot read \/dev\/null\/.*: ENOTDIR: /);
  env.HOME = join(lone.folder, 'dangling');
  symlinkSync('/nowhere/at-all', env.HOME);
  assert.match(
    await failed('start', 'loopback', '{F}'),
    /^Error: cannot create the folder FILES\/dangling\//,
  );
  assert.equal(readdirSync('/').includes('nowhere'), false);
});

test('a user ID without an account is reported as such, since ssh needs one', { skip: NO_ROOT }, () => {
  chmodSync(lone.folder, 0o755);
  const [node = '', ...program] = PROGRAM;
  const { HOME: _, XDG_STATE_HOME: __, XDG_CONFIG_HOME: ___, ...env } = lone.laptop.env;
  for (const args of [
    ['start', 'x.invalid'],
    ['hosts'],
    ['status'],
    ['config', 'path'],
    ['init', 'x', '--yes'],
  ]) {
    const options = { uid: 2_000_000_000, gid: 2_000_000_000, env, cwd: '/', encoding: 'utf8' } as const;
    const { status, stderr } = spawnSync(node, [...program, ...args], options);
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^Error: this machine has no account for your user ID 2000000000\nssh needs one: /);
  }
});
