import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ByHand, startByHand } from './hosts/by-hand.ts';
import { freePort } from './hosts/sshd.ts';
import { makeWorld, type World } from './hosts/world.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** All that stands in fences of this language, without comments. */
function fenced(language: string): string[] {
  const blocks = readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'));
  return [...blocks].flatMap(([, text = '']) => text.split('\n')).map((line) => line.replace(/ +#.*$/, ''));
}

let world: World;
let bin: string;
/** What the README's `--adopt` names: not of this program. */
let other: ByHand;
before(async () => {
  world = await makeWorld();
  // As a reader has them: the command on the PATH, the host by the name that the README gives it, and its venv.
  bin = join(dirname(world.home), 'bin');
  mkdirSync(bin);
  const own = [process.execPath, '--import', import.meta.resolve('tsx'), join(root, 'src/cli.ts')];
  const shim = `#!/bin/sh\nexec ${own.map((word) => `'${word}'`).join(' ')} "$@"\n`;
  writeFileSync(join(bin, 'remote-notebook'), shim, { mode: 0o755 });
  const sshConfig = readFileSync(world.sshd.sshConfig, 'utf8').replace('Host loopback', 'Host gpu');
  writeFileSync(join(bin, 'ssh_config'), sshConfig);
  mkdirSync(join(world.home, 'rne'));
  other = await startByHand(world, 'notebook', [`--port=${await freePort()}`]);
  shell(`python3 -m venv --system-site-packages --without-pip '${join(world.home, 'rne', 'venv')}'`);
});
after(() => world.remove());

function shell(line: string) {
  const env = { ...world.laptop.env, PATH: [bin, process.env.PATH].join(delimiter), SHELL: '/bin/bash' };
  return spawnSync('bash', ['-c', line], { cwd: world.home, env, encoding: 'utf8' });
}

/** TensorBoard's: one line takes back what another has forwarded. */
let board: string;
before(async () => {
  board = String(await freePort());
});

/** A line of the README as it can be run here: with the host's ssh_config, ports that are free, for this machine alone, and an end. */
async function runnable(line: string): Promise<string> {
  const port = String(await freePort());
  const here = line
    .replace(/ -f$/, '')
    .replace('--adopt 8888', `--adopt ${other.port}`)
    .replace('6006', () => board)
    .replace('0.0.0.0', '127.0.0.1')
    .replace('8080', () => port);
  // There is no terminal here to ask on; what it writes is for no other line.
  if (line.includes(' init')) {
    const target = line.endsWith(' init') ? ' gpu' : '';
    return `XDG_CONFIG_HOME='${join(bin, 'config')}' ${here}${target} --name gpu -F '${join(bin, 'ssh_config')}' --no-browser --yes`;
  }
  if (/ (start|doctor|hosts|status gpu) ?/.test(line))
    return `${here} -F '${join(bin, 'ssh_config')}'${line.includes(' start ') ? ' --no-browser' : ''}`;
  return here;
}

test('each example of a verb does what the README says, in a real shell, against a real host', async () => {
  const lines = fenced('sh').filter((line) => line.startsWith('remote-notebook '));
  assert.ok(lines.length > 15);
  for (const line of lines) {
    // The ports that it names may be taken here, and conda or a browser need not be there.
    const dry = /--strict-port|conda:/.test(line) ? ' --dry-run' : '';
    const { status, stderr } = shell((await runnable(line)) + dry);
    const expected = line === 'remote-notebook open work' ? 1 : 0;
    assert.equal(status, expected, `${line}\n${stderr}`);
    const byDefault = line.includes('--adopt') ? `gpu-${other.port}` : 'gpu';
    const name = /--name (\S+)/.exec(line)?.[1] ?? byDefault;
    if (/^remote-notebook (start gpu|init)/.test(line) && !/--(save|dry-run|strict-port)|conda:/.test(line))
      assert.equal(shell(`remote-notebook stop ${name}`).status, 0, line);
  }
});

test('each config.yaml of the README is right', () => {
  mkdirSync(dirname(world.laptop.configurationFile), { recursive: true });
  const counts = [...readme.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => {
    writeFileSync(world.laptop.configurationFile, text);
    const { status, stderr } = shell('remote-notebook config check');
    assert.equal(status, 0, stderr);
    return /(\w+) servers?\./.exec(stderr)?.[1];
  });
  assert.deepEqual(counts, ['2', 'one']);
});

test('each make command of the README exists', () => {
  const targets = fenced('sh').filter((line) => /^make /.test(line));
  assert.ok(targets.length >= 4);
  for (const line of targets) {
    const { status, stderr } = spawnSync('make', ['-n', ...line.split(/\s+/).slice(1)], {
      cwd: root,
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${line}\n${stderr}`);
  }
});

test('the article stands in the README as the aliases have it', () => {
  const { stdout } = shell(
    'remote-notebook aliases username@remote_server_ip -d rne -e virtual_environment --plain --shell bash',
  );
  const article = fenced('sh').filter((line) => /^(nohup )?ssh /.test(line));
  assert.equal(article.length, 3);
  for (const line of article) assert.ok(stdout.includes(line), `${line}\n${stdout}`);
});

test('the files that the README links are there', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, path = '']) => path);
  assert.ok(links.length >= 2);
  const headings = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => `#${text.toLowerCase()}`);
  for (const path of links) assert.ok(headings.includes(path) || existsSync(join(root, path)), path);
});
