import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  assertNothingIsLeft,
  env,
  place,
  processesOf,
  readyDemo,
  signalGroup,
  signalUntilEnded,
  statusOf,
  stopDemos,
} from './hosts/demos.ts';
import { NO_PROC } from './hosts/needs.ts';
import { answers } from './hosts/servers.ts';
import { eventually } from './hosts/world.ts';

const needsProc = { skip: NO_PROC };

test(
  'make demo starts a server, and SIGTERM, also more than once, leaves nothing behind',
  needsProc,
  async () => {
    const demo = await readyDemo();
    assert.equal(await statusOf(demo.url), 200);
    await signalUntilEnded(demo, 'SIGTERM');
    // The signal has also ended tsx, which compiles the sources.
    assert.doesNotMatch(demo.output(), /bug/);
    await assertNothingIsLeft(demo);
  },
);

test('each command that the demo prints can be run in a second terminal', needsProc, async () => {
  const demo = await readyDemo();
  const [path = ''] = /export PATH=.*/.exec(demo.output()) ?? [];
  const commands = [...demo.output().matchAll(/remote-notebook [a-z].*/g)].map(([command]) => command);
  const verbs = commands.map((command) => command.split(' ')[1]);
  assert.deepEqual(verbs, ['start', 'stop', 'status', 'logs']);
  assert.equal(await answers(demo.url), true);
  const [start, stop, ...others] = commands;
  for (const command of [start, ...others, stop]) {
    const script = `${path}\n${command}`;
    const { status, stderr } = spawnSync('sh', ['-c', script], { cwd: '/', env, encoding: 'utf8' });
    assert.equal(status, 0, `${command}: ${stderr}`);
  }
  assert.equal(await answers(demo.url), false);
  // The server is gone, and so is the reason for the demo.
  assert.equal(await demo.ended, 0, demo.output());
  assert.match(demo.output(), /The server was stopped, so the demo ends\.\n/);
  await assertNothingIsLeft(demo);
});

/** A browser that records its PID and its page, and runs while this file exists. */
const BROWSER_SCRIPT = `#!/bin/sh
echo "$$ $1" >"$0.new" && mv "$0.new" "$0.saw"
while [ -e "$0" ]; do sleep 0.05; done
`;

test('make demo opens the browser, and SIGINT leaves nothing else behind', needsProc, async () => {
  const BROWSER = join(place, 'browser');
  writeFileSync(BROWSER, BROWSER_SCRIPT, { mode: 0o755 });
  const demo = await readyDemo({ BROWSER });
  assert.equal(await statusOf(demo.url), 200);
  await eventually('the browser is there', () => existsSync(`${BROWSER}.saw`));
  const [pid = '', page] = readFileSync(`${BROWSER}.saw`, 'utf8').trim().split(' ');
  assert.equal(page, `file://${demo.folder}/state/remote-notebook/open-demo.html`);
  signalGroup(demo, 'SIGINT');
  await demo.ended;
  assert.doesNotMatch(demo.output(), /bug/);
  assert.ok(processesOf(demo.folder).includes(Number(pid)));
  rmSync(BROWSER);
  await assertNothingIsLeft(demo);
});

test('make demo-stop cleans up after a demo that was killed', needsProc, async () => {
  const demo = await readyDemo();
  signalGroup(demo, 'SIGKILL');
  await demo.ended;
  assert.notDeepEqual(processesOf(demo.folder), []);
  const { status, stderr } = stopDemos();
  assert.equal(status, 0, stderr);
  await assertNothingIsLeft(demo);
});

test('make demo-stop reports when no demo is running', () => {
  const { status, stderr } = stopDemos();
  assert.equal(status, 0);
  assert.match(stderr, /No demo is running\./);
});
