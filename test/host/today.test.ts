import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { EXAMPLE_NAME, writeExample } from '../../scripts/demo/example.ts';
import { NO_CHROMIUM, withBrowser } from '../browser/chromium.ts';
import { openInLab, pictureInLab, runAllInLab } from '../browser/lab.ts';
import { diagnosis } from '../hosts/diagnosis.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { NO_JUPYTER_OF_TODAY, onHostOfToday, optionsOfToday } from '../hosts/today.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import { makeWorld, type World } from '../hosts/world.ts';

/** JupyterLab 4 of today, as `uv tool install` puts it: its programs are in ~/.local/bin, and `jupyter` is not. */

const skip = NO_JUPYTER_OF_TODAY;
let world: World;
let version: string;
before(async () => {
  if (skip) return;
  world = await makeWorld(optionsOfToday());
  onHostOfToday(world, ['uv', 'tool', 'install', 'jupyterlab']);
  version = onHostOfToday(world, [join(world.home, '.local/bin/jupyter-lab'), '--version']).trim();
});
after(() => world?.remove());

test('JupyterLab from `uv tool install` is found without any option, opens in a browser, runs a cell and stops', {
  skip: skip || NO_CHROMIUM,
}, async () => {
  const { laptop, home } = world;
  writeExample(join(home, 'work'));
  const { jupyter } = await started(laptop, '-d', 'work', ...(await ports()));
  assert.deepEqual([jupyter.command, jupyter.version], ['jupyter lab', version]);
  await withBrowser(async (browser) => {
    const page = await openInLab(browser, (await done(laptop, 'open', '--print')).trim(), EXAMPLE_NAME);
    await runAllInLab(page);
    await page.getByText(/connected by ssh from 127\.0\.0\.1:\d+ to 127\.0\.0\.1/).waitFor();
    assert.deepEqual(await pictureInLab(page), { width: 720, height: 300 });
    const direct = await browser.newPage();
    await direct.goto((await done(laptop, 'open', 'loopback', EXAMPLE_NAME, '--print')).trim());
    await direct.locator('.jp-Notebook .jp-CodeCell').first().waitFor();
  });
  await done(laptop, 'stop', '--yes');
  await nothingIsLeft(world, laptop);
});

test('start, status and doctor show the version of JupyterLab, and the Python that its cells get', {
  skip,
}, async () => {
  const { laptop, home } = world;
  const python = join(home, '.local/share/uv/tools/jupyterlab/bin/python');
  const { code, stderr } = await laptop.run('start', 'loopback', '{F}', '--no-browser', ...(await ports()));
  assert.equal(code, 0, stderr);
  assert.ok(stderr.includes(`(jupyter lab ${version}).\nCells run in ${python}.\n`), stderr);
  const { jupyter } = await statusOf(laptop);
  assert.equal(jupyter.version, version);
  assert.deepEqual(jupyter.kernel, { name: 'python3', installed: true, python, inEnvironment: null });
  const { checks } = await diagnosis(world);
  const found = ['jupyter', 'api', 'kernel'].map(
    (name) => checks.find((check) => check.name === name)?.found,
  );
  const shown = [`jupyter lab ${version}`, `responds, version ${version}`, `cells run in ${python}`];
  assert.deepEqual(found, shown);
  await done(laptop, 'stop');
});

test('--command "jupyter lab" finds JupyterLab if `jupyter` is missing or belongs to another Python', {
  skip,
}, async () => {
  const { jupyter } = await started(world.laptop, '--command=jupyter lab', ...(await ports()));
  assert.deepEqual([jupyter.command, jupyter.version], ['jupyter lab', version]);
  await done(world.laptop, 'stop');
});
