import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { firstTime } from '../hosts/first-time.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { CTRL_C, CTRL_D, ENTER } from '../hosts/terminal.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import type { World } from '../hosts/world.ts';

/** An unknown host in the dialogue of init. */

const user = firstTime();
const { begin, beginWithPorts, configuration, assertNothingIsKept, ownConfig, describeHost } = user;
let world: World;
beforeEach(() => {
  world = user.world();
});

test('init adds an unknown host to the ssh_config, and keeps its text and mode', async () => {
  const { file, text } = ownConfig();
  const dialogue = begin('-F', file, '-d', 'rne', '-e', '.venv', '--no-browser', ...(await ports()));
  await describeHost(dialogue, world.sshd.port);
  await dialogue.answer('A name for this server: [gpu]', ENTER);
  await dialogue.answer('Leave it', `n${ENTER}`);
  await dialogue.answer('Install aliases', ENTER);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  const block = `Host gpu\n  HostName 127.0.0.1\n  User ${userInfo().username}\n  Port ${world.sshd.port}\n  IdentityFile ${world.sshd.key}\n\n`;
  assert.equal(readFileSync(file, 'utf8'), text.replace('# what counts', `${block}# what counts`));
  assert.equal(readFileSync(`${file}.before-remote-notebook`, 'utf8'), text);
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.equal(parse(configuration() ?? '').servers.gpu.destination, 'gpu');
  await nothingIsLeft(world);
});

test('giving up after a failure restores the ssh_config and leaves nothing else', async () => {
  const { file, text } = ownConfig();
  const before = readdirSync(world.sshd.folder);
  const dialogue = begin('-F', file, '-d', 'rne', '-e', '.venv');
  await describeHost(dialogue, await freePort());
  await dialogue.says('Connection refused');
  await dialogue.says('3  destination  another host');
  assert.notEqual(readFileSync(file, 'utf8'), text);
  await dialogue.answer('What now? [destination]', `stop${ENTER}`);
  await dialogue.says('Nothing was saved.');
  assert.equal(await dialogue.ended(), 1, dialogue.shown());
  assert.equal(readFileSync(file, 'utf8'), text);
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.deepEqual(readdirSync(world.sshd.folder), before);
  await assertNothingIsKept();
});

test('an ssh_config whose first lines override the new Host is not changed, and init asks for the host again', async () => {
  const { file, text } = ownConfig();
  const stubborn = `Port 1\n${text}`;
  writeFileSync(file, stubborn);
  const dialogue = begin('-F', file);
  await describeHost(dialogue, world.sshd.port);
  await dialogue.says('ssh uses Port 1 for "gpu"');
  await dialogue.answer('Host (one of these', CTRL_C);
  assert.equal(await dialogue.ended(), 130);
  assert.equal(readFileSync(file, 'utf8'), stubborn);
  await assertNothingIsKept();
});

test('for a mistyped host init suggests a similar one, and asks again', async () => {
  const dialogue = await beginWithPorts('loopbakc');
  await dialogue.says('Did you mean loopback?');
  await dialogue.answer('Add a Host for it? [y/N]', ENTER);
  await dialogue.answer('Host (one of these', CTRL_D);
  assert.equal(await dialogue.ended(), 130);
  await assertNothingIsKept();
});
