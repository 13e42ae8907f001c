import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSession } from '../hosts/kernels.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { missing } from '../hosts/needs.ts';
import { done, serverRecord, started } from '../hosts/servers.ts';
import { openTerminal } from '../hosts/terminal.ts';
import { PROGRAM } from '../hosts/world.ts';

/** Output of a host that tries to erase the screen, change the title, fill the clipboard and overwrite the line. */
const HOSTILE = 'seen\x1b[2J\x1b]0;title\x07\x1b]52;c;cm0gLXJm\x07\x9b2J\rhidden';
const TAMED = 'seen�[2J�]0;title��]52;c;cm0gLXJm��2J�hidden';
const needsTerminal = { skip: missing('python3') };

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

test(
  "a notebook's name cannot forge a line, hide its end or turn its direction; --json has it exactly",
  needsTerminal,
  async () => {
    const name = 'report\u202efdp.ipynb\nforged\u2028\x9b2J\x7f';
    const { jupyter: server, ...shown } = await started(world.laptop, '--name', 'named');
    await openSession(world.laptop, { jupyter: server, ...shown }, name);
    for (const lines of [await shownBy('status', 'named'), await done(world.laptop, 'status', 'named')]) {
      assert.match(lines, /^ {2}report�fdp\.ipynb�forged��2J�: /m);
      assert.doesNotMatch(lines, /[\u202e\u2028\x9b\x7f]/);
    }
    for (const json of [
      await shownBy('status', 'named', '--json'),
      await done(world.laptop, 'status', 'named', '--json'),
    ]) {
      assert.ok(json.includes('report\\u202efdp.ipynb\\nforged\\u2028\\u009b2J\\u007f'), json);
      assert.equal(JSON.parse(json).servers[0].jupyter.kernels[0].notebook, name);
    }
  },
);

test('a log cannot change the direction of text on a terminal', needsTerminal, async () => {
  appendFileSync(join(serverRecord(world.laptop).folder, 'log'), 'open \u202egpj.exe\u2069 now\n');
  assert.equal(await shownBy('logs', 'loopback', '-n', '1'), 'open �gpj.exe� now\r\n');
});
