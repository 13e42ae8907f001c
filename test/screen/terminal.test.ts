import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { lacks } from '../hosts/needs.ts';
import { done, serverRecord, started } from '../hosts/servers.ts';
import { openTerminal } from '../hosts/terminal.ts';
import { PROGRAM } from '../hosts/world.ts';

/** Output of a host that tries to erase the screen, change the title, fill the clipboard and overwrite the line. */
const HOSTILE = 'seen\x1b[2J\x1b]0;title\x07\x1b]52;c;cm0gLXJm\x07\x9b2J\rhidden';
const TAMED = 'seen�[2J�]0;title��]52;c;cm0gLXJm��2J�hidden';
const needsTerminal = { skip: lacks('python3') };

const world = await worldPerFile();

/** The output of a command on a real terminal. */
async function shownBy(...args: string[]): Promise<string> {
  const window = openTerminal([...PROGRAM, ...args], { ...world.laptop.env, TERM: 'xterm' });
  await window.ended;
  return window.shown();
}

test(
  'a log cannot control the terminal except for colours; a pipe gets it unchanged',
  needsTerminal,
  async () => {
    await started(world.laptop);
    appendFileSync(join(serverRecord(world.laptop).folder, 'log'), `\x1b[31mred\x1b[0m ${HOSTILE}\n`);
    assert.equal(await shownBy('logs', '-n', '1'), `\x1b[31mred\x1b[0m ${TAMED}\r\n`);
    assert.equal(await done(world.laptop, 'logs', '-n', '1'), `\x1b[31mred\x1b[0m ${HOSTILE}\n`);
  },
);

test('the output of a Jupyter that fails cannot control the terminal either', needsTerminal, async () => {
  const command = `sh -c 'printf %s "${HOSTILE.replace('\r', '')}"'`;
  const shown = await shownBy(
    'start',
    'loopback',
    '-F',
    world.sshd.sshConfig,
    '--name',
    'other',
    '--command',
    command,
  );
  assert.ok(shown.includes(TAMED.replace('J�h', 'Jh')), shown);
  assert.ok(!shown.includes('\x1b]'), shown);
});
