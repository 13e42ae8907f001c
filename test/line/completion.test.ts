import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { worldFor } from '../hosts/lasting.ts';
import { missing } from '../hosts/needs.ts';
import { started, stderrOf } from '../hosts/servers.ts';
import { ALIAS_SHELLS, type AliasShell, runInteractive, runLine } from '../hosts/shells.ts';
import { makeFolder } from '../hosts/standing.ts';
import { openTerminal, type TerminalWindow } from '../hosts/terminal.ts';
import { type Laptop, makeLaptop, PROGRAM } from '../hosts/world.ts';

/** What Tab offers in real shells, with the completion installed as a user does it. */

let folder: string;
let sshConfig: string;
before(() => {
  folder = makeFolder('rn-completion-');
  sshConfig = join(folder, 'ssh_config');
  writeFileSync(sshConfig, 'Host gpu1 gpu2 *.lab\nHost $(id)\n');
  mkdirSync(join(folder, 'bin'));
  const shim = `#!/bin/sh\nexec ${PROGRAM.map((word) => `'${word}'`).join(' ')} "$@"\n`;
  writeFileSync(join(folder, 'bin', 'remote-notebook'), shim, { mode: 0o755 });
});

/** A laptop with the command on its PATH, and two servers in its config.yaml. */
function aLaptop(): Laptop {
  const laptop = makeLaptop(mkdtempSync(join(folder, 'laptop-')), sshConfig, 'none');
  laptop.env.PATH = [join(folder, 'bin'), laptop.env.PATH].join(delimiter);
  laptop.env.TERM = 'xterm';
  mkdirSync(dirname(laptop.configurationFile), { recursive: true });
  writeFileSync(
    laptop.configurationFile,
    'servers:\n  alpha: { destination: gpu1 }\n  beta: { destination: gpu1 }\n',
  );
  return laptop;
}

async function outputOf(laptop: Laptop, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await laptop.run(...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** The candidates for the last word, as the shells request them. */
async function offered(laptop: Laptop, ...words: string[]): Promise<string[]> {
  const lines = (await outputOf(laptop, 'completion', '--words', ...words)).split('\n').slice(0, -1);
  return lines.map((line) => line.split('\t')[0] ?? '');
}

/** An interactive shell on a terminal with the completion installed. */
async function completing(shell: AliasShell, laptop: Laptop): Promise<TerminalWindow> {
  await outputOf(laptop, 'completion', shell, '--install');
  const window = openTerminal([shell, '-i'], laptop.env);
  window.type('echo re""ady\r');
  await window.saw('ready');
  return window;
}

const IN_A_LINE: readonly AliasShell[] = ['bash', 'zsh'];
for (const shell of IN_A_LINE) {
  test(`Tab in ${shell} completes verbs, options, values, servers and hosts`, {
    skip: missing(shell),
  }, async () => {
    const laptop = aLaptop();
    const window = await completing(shell, laptop);
    /** Types keys, waits for the texts that they show, and clears the line. */
    const typed = async (keys: string, ...shown: string[]) => {
      window.type(keys);
      for (const text of shown) await window.saw(text);
      window.type('\x15');
    };
    try {
      await typed('remote-notebook conf\tpa\t\r', laptop.configurationFile);
      await typed('remote-notebook aliases --shell=ba\t --plain alpha\r', 'alias port_forward=');
      await typed('remote-notebook stop --keep-s\t --dirty\r', 'unknown option --dirty');
      await typed('remote-notebook st\t\t', 'start', 'status', 'stop');
      await typed('remote-notebook open \t\t', 'alpha', 'beta');
      await typed(`remote-notebook start -F ${folder}/ssh_c\tgpu\t\t`, 'gpu1', 'gpu2');
      await typed(`remote-notebook run -F ${folder}/ssh_c\tgpu\t\t`, 'gpu1:', 'gpu2:');
      writeFileSync(join(folder, 'plots.ipynb'), '');
      await typed(`remote-notebook run ${folder}/plo\t alpha:x/y\r`, 'plots.ipynb alpha --directory x/y');
      await typed('remote-notebook run al\tx.ipynb beta\r', 'the host in "alpha:x.ipynb" and "beta"');
      window.type('exit\r');
      await window.ended;
    } finally {
      await window.close();
    }
  });
}

test('Tab in fish completes verbs, options, values, servers and hosts, with descriptions', {
  skip: missing('fish'),
}, async () => {
  const laptop = aLaptop();
  await outputOf(laptop, 'completion', 'fish', '--install');
  const complete = (line: string) =>
    runInteractive('fish', `complete -C "${line}"`, laptop.env).trimEnd().split('\n');
  assert.match(complete('remote-notebook ')[1] ?? '', /^start\tStart a server/);
  assert.deepEqual(complete('remote-notebook aliases --shell '), ['bash', 'zsh', 'fish']);
  assert.deepEqual(complete('remote-notebook aliases --shell=z'), ['--shell=zsh']);
  assert.deepEqual(complete('remote-notebook stop --keep'), [
    '--keep-server\tclose only the tunnel; the server keeps running',
  ]);
  assert.deepEqual(complete('remote-notebook open '), [
    'alpha\tin config.yaml, on gpu1',
    'beta\tin config.yaml, on gpu1',
  ]);
  assert.ok(complete(`remote-notebook start -F ${sshConfig} g`).includes('gpu2\ta Host of ssh_config'));
  assert.deepEqual(complete(`remote-notebook start -F ${folder}/ssh_c`), [sshConfig]);
  assert.deepEqual(complete(`remote-notebook run -F ${sshConfig} gpu`), [
    'gpu1:\ta Host of ssh_config',
    'gpu2:\ta Host of ssh_config',
  ]);
});

test('Tab offers only valid words: arguments of the verb, values of an option, nothing after a complete line', async () => {
  const laptop = aLaptop();
  const servers = ['alpha', 'beta'];
  assert.deepEqual(await offered(laptop, 'stop', ''), servers);
  assert.deepEqual(await offered(laptop, 'stop', '--', ''), servers);
  assert.deepEqual(await offered(laptop, 'stop', 'alpha', ''), []);
  assert.deepEqual(await offered(laptop, 'logs', '-n', '9', ''), servers);
  assert.deepEqual(await offered(laptop, 'logs', '-n', ''), []);
  for (const named of [['-F', sshConfig], [`-F${sshConfig}`], [`--ssh-config=${sshConfig}`]])
    assert.deepEqual(await offered(laptop, 'start', ...named, ''), [...servers, 'gpu1', 'gpu2']);
  for (const verb of [
    ['status', '--all'],
    ['forward', '--adopt', '8888'],
  ])
    assert.deepEqual(await offered(laptop, ...verb, '-F', sshConfig, ''), [...servers, 'gpu1', 'gpu2']);
  assert.deepEqual(await offered(laptop, 'start', '--adopt', ''), []);
  assert.deepEqual(await offered(laptop, 'aliases', '--shell', '=', 'b'), ['bash', 'zsh', 'fish']);
  assert.deepEqual(await offered(laptop, 'completion', ''), ['bash', 'zsh', 'fish']);
  assert.deepEqual(await offered(laptop, 'hosts', ''), []);
  assert.deepEqual(await offered(laptop, 'fly', ''), []);
  assert.ok((await offered(laptop, 'start', '-')).includes('--no-browser'));
  assert.equal((await laptop.run('completion', '--words', 'start', '-F', '')).code, 3);
});

test('Tab offers running servers with their hosts', async (context) => {
  const world = await worldFor(context);
  await started(world.laptop, '--name', 'mine');
  assert.equal(
    await outputOf(world.laptop, 'completion', '--words', 'stop', ''),
    'mine\tstarted on loopback\n',
  );
});

test('broken files offer no names, cause no message and stay unchanged', async () => {
  const laptop = aLaptop();
  const state = join(laptop.stateFolder, 'state.json');
  mkdirSync(laptop.stateFolder, { recursive: true });
  for (const file of [laptop.configurationFile, state]) writeFileSync(file, '{ broken');
  assert.deepEqual(await offered(laptop, 'stop', ''), []);
  assert.equal(readFileSync(state, 'utf8'), '{ broken');
});

for (const shell of ALIAS_SHELLS) {
  test(`completion --uninstall for ${shell} removes all of it, and nothing else`, async () => {
    const laptop = aLaptop();
    const home = laptop.env.HOME ?? '';
    const own = { bash: '.bashrc', zsh: '.zshrc', fish: 'config/fish/completions/remote-notebook.fish' };
    const file = join(home, own[shell]);
    const mine = shell === 'fish' ? '' : '# mine\n';
    if (mine) writeFileSync(file, mine);
    laptop.env.SHELL = `/usr/bin/${shell}`;
    await outputOf(laptop, 'completion', '--install');
    const script = await outputOf(laptop, 'completion');
    assert.equal(
      readFileSync(file, 'utf8'),
      `${mine}# >>> remote-notebook completion >>>\n${script}# <<< remote-notebook completion <<<\n`,
    );
    await outputOf(laptop, 'completion', '--uninstall');
    if (mine) assert.equal(readFileSync(file, 'utf8'), mine);
    else assert.equal(existsSync(file), false);
  });

  test(`${shell} reads the completion without any output`, { skip: missing(shell) }, async () => {
    const laptop = aLaptop();
    const script = join(folder, `script.${shell}`);
    writeFileSync(script, await outputOf(laptop, 'completion', shell));
    assert.equal(runLine(shell, `. ${script}`, { env: laptop.env }), '');
  });
}

test('an unsupported shell is an error', async () => {
  const stderr = await stderrOf(2, aLaptop(), 'completion', 'tcsh');
  assert.equal(stderr, 'Error: "tcsh" is not bash, zsh or fish\n');
});
