import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { firstTime } from '../hosts/first-time.ts';
import { done, statusOf, stderrOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { CTRL_C, CTRL_D, ENTER } from '../hosts/terminal.ts';
import { nothingIsLeft, traces } from '../hosts/traces.ts';
import { makeVenv } from '../hosts/venv.ts';
import { eventually, type World } from '../hosts/world.ts';

/** What init leaves when it is interrupted. */

const user = firstTime();
const { begin, beginWithPorts, configuration, assertNothingIsKept, ownConfig, describeHost } = user;
let world: World;
beforeEach(() => {
  world = user.world();
});

/** Each question with an answer that leads to the next one. */
const QUESTIONS: readonly (readonly [question: string, answer: string])[] = [
  ['Host (one of these', 'gpu'],
  ['Add a Host for it?', 'y'],
  ['(HostName):', '127.0.0.1'],
  ['(User):', userInfo().username],
  ['(Port):', 'PORT'],
  ['(IdentityFile):', 'KEY'],
  ['Directory on gpu:', 'rne'],
  ['Environment', 'broken'],
  ['A name for this server:', 'work'],
  ['What now? [environment]', 'environment'],
  ['Environment', '.venv'],
];

for (const [index, [question]] of QUESTIONS.entries()) {
  const [key, name] = index % 2 === 0 ? [CTRL_C, 'Ctrl-C'] : [CTRL_D, 'Ctrl-D'];
  test(`${name} at question ${index + 1}, "${question}", leaves nothing behind`, async () => {
    const { file, text } = ownConfig();
    makeVenv(join(world.home, 'rne', 'broken'), { jupyter: false });
    symlinkSync('/bin/false', join(world.home, 'rne', 'broken', 'bin', 'jupyter'));
    const dialogue = begin('-F', file, ...(await ports()));
    for (const [each, answer] of QUESTIONS.slice(0, index)) {
      const { port, key } = world.sshd;
      await dialogue.answer(each, answer.replace('PORT', String(port)).replace('KEY', key) + ENTER);
    }
    await dialogue.answer(question, key);
    assert.equal(await dialogue.ended(), 130, dialogue.shown());
    assert.match(dialogue.shown(), /Interrupted; nothing is left behind\.\r\n$/);
    assert.equal(readFileSync(file, 'utf8'), text);
    await assertNothingIsKept();
  });
}

test('Ctrl-C after the server works keeps the saved server, which keeps running only after a yes', async () => {
  const words = ['loopback', '-d', 'rne', '-e', '.venv', '--name', 'work'];
  const { configurationFile } = world.laptop;
  const unanswered = await beginWithPorts(...words);
  await unanswered.answer('Leave it running', CTRL_C);
  assert.equal(await unanswered.ended(), 130, unanswered.shown());
  assert.ok(
    unanswered
      .shown()
      .endsWith(
        `Interrupted; work is stopped, and saved in ${configurationFile}.\r\nTo start it: remote-notebook start\r\n`,
      ),
    unanswered.shown(),
  );
  await nothingIsLeft(world);
  const last = await beginWithPorts(...words.slice(0, -1), 'other');
  await last.answer('Leave it running', `y${ENTER}`);
  await last.answer('Install aliases for bash', CTRL_D);
  assert.equal(await last.ended(), 130, last.shown());
  await last.says(`other is still running, and saved in ${configurationFile}`);
  const { default: meant, servers } = parse(configuration() ?? '');
  assert.deepEqual([meant, Object.keys(servers)], ['work', ['work', 'other']]);
  const shown = await statusOf(world.laptop);
  assert.deepEqual([shown.name, shown.state], ['other', 'connected']);
  assert.equal(existsSync(join(world.laptop.env.HOME as string, '.bashrc')), false);
  await done(world.laptop, 'stop');
});

test('if config.yaml breaks during init, a server that was already running keeps running and is not recorded here', async () => {
  const words = ['loopback', '-d', 'rne', '-e', '.venv', '--no-browser'];
  await stderrOf(0, world.anotherLaptop(), 'start', '{F}', ...words, ...(await ports()));
  const dialogue = await beginWithPorts(...words);
  await dialogue.says('A name');
  mkdirSync(dirname(world.laptop.configurationFile), { recursive: true });
  writeFileSync(world.laptop.configurationFile, 'servers: 3\n');
  await dialogue.answer('', ENTER);
  assert.equal(await dialogue.ended(), 2, dialogue.shown());
  const left = traces(world, world.laptop);
  assert.deepEqual(
    left.filter((trace) => /^(record|connection)/.test(trace)),
    [],
  );
  assert.equal(left.filter((trace) => trace.startsWith('on the host: servers/')).length, 1);
});

test('Ctrl-C while the server starts leaves nothing', async () => {
  const slow = join(world.home, 'slow');
  writeFileSync(slow, `#!/bin/sh\n: >'${join(world.home, 'reached')}'\nsleep 600\n`, { mode: 0o755 });
  const { file, text } = ownConfig();
  const dialogue = begin('-F', file, '-d', 'rne', '-e', '.venv', '--command', slow);
  await describeHost(dialogue, world.sshd.port);
  await dialogue.answer('A name', ENTER);
  await eventually('it starts', () => existsSync(join(world.home, 'reached')));
  await dialogue.answer('', CTRL_C);
  assert.equal(await dialogue.ended(), 130, dialogue.shown());
  assert.equal(readFileSync(file, 'utf8'), text);
  await assertNothingIsKept();
});
