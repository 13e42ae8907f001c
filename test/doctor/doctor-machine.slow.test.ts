import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fine, makeHealthy, only } from '../hosts/diagnosis.ts';
import { outside } from '../hosts/needs.ts';
import { standIn } from '../hosts/stand-ins.ts';
import { withTakenPort } from '../hosts/taken-port.ts';
import type { World } from '../hosts/world.ts';

/** What doctor finds on the machine that it runs on. */

let world: World;
beforeEach(async () => {
  world = await makeHealthy();
});
afterEach(() => world.remove());

test('an outdated ssh is reported (ssh is a stand-in)', async () => {
  const bin = join(world.home, 'bin');
  standIn('ssh', join(bin, 'ssh'));
  world.laptop.env.REAL_PATH = world.laptop.env.PATH;
  world.laptop.env.PATH = `${bin}:${world.laptop.env.PATH}`;
  assert.match(await only(world, 'ssh', 'warning'), /^OpenSSH_6\.6\.1p1 .*\nInstall OpenSSH 7\.4 or later/);
});

test('a machine without ssh is reported, and the steps that need it are not checked', async () => {
  world.laptop.env.PATH = join(world.home, 'nothing');
  assert.match(await only(world, 'ssh', 'failed'), /^ssh is not installed.*\nInstall the package/);
});

test('a local port that is in use is reported, with the program that uses it', async () => {
  await withTakenPort(async (port) => {
    const output = await only(world, 'local port', 'failed', '--local-port', String(port), '--strict-port');
    assert.match(
      output,
      new RegExp(
        `^local port ${port} is already in use by .*PID ${process.pid}\\)\nChoose another port with --local-port`,
      ),
    );
  });
});

test('a local port that is in use is a warning, and with --strict-port a failure', async () => {
  await withTakenPort(async (port) => {
    const output = await only(world, 'local port', 'warning', '--local-port', String(port));
    assert.match(output, /^local port \d+ is already in use by .*\nstart uses the next free port/);
  });
});

test('a machine without a browser is reported', {
  skip: process.platform !== 'linux' && outside('a desktop is always there'),
}, async () => {
  delete world.laptop.env.BROWSER;
  assert.match(await only(world, 'browser', 'warning'), /no desktop.*\nstart prints the URL/);
});

test('a browser that is not installed is reported; on a desktop, its default browser is shown', {
  skip: process.platform !== 'linux' && outside('a desktop is always there'),
}, async () => {
  world.laptop.env.BROWSER = 'no-such-browser %s';
  assert.match(
    await only(world, 'browser', 'warning'),
    /^\$BROWSER is no-such-browser %s, which is not installed\nSet BROWSER/,
  );
  world.laptop.env.BROWSER = 'true %s';
  assert.equal(await fine(world, 'browser'), '$BROWSER is true %s');
  delete world.laptop.env.BROWSER;
  world.laptop.env.DISPLAY = ':7';
  assert.equal(await fine(world, 'browser'), 'the default browser of the desktop');
});
