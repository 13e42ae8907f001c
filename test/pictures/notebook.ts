import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext } from 'playwright-core';
import { openInLab, pictureInLab, runAllInLab } from '../browser/lab.ts';
import { NO_JUPYTER_OF_TODAY, onHostOfToday } from '../hosts/today.ts';
import type { World } from '../hosts/world.ts';

const NAME = 'walks.ipynb';

const TITLE = `# Random walks

This page is on a laptop. The Python that runs its cells is at the other end of an ssh tunnel.`;

const WHERE = `import os, platform

client, client_port, host, host_port = os.environ["SSH_CONNECTION"].split()
print(f"Python {platform.python_version()} with {os.cpu_count()} cores")
print(f"by ssh from {client} to {host}")`;

const PLOT = `import matplotlib.pyplot as plt
import numpy as np

steps = np.random.default_rng(7).normal(size=(12, 400))
plt.figure(figsize=(9, 4))
plt.plot(steps.cumsum(axis=1).T, linewidth=1.2)
plt.title("12 random walks of 400 steps")
plt.grid(alpha=0.3)`;

/** Makes a project of today in a directory: a venv with JupyterLab, a notebook, and files beside it. */
export function makeProject(world: World, directory: string): void {
  if (NO_JUPYTER_OF_TODAY) throw new Error(NO_JUPYTER_OF_TODAY);
  const folder = join(world.home, directory);
  const code = (source: string) => ({
    cell_type: 'code',
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  });
  const cells = [{ cell_type: 'markdown', metadata: {}, source: TITLE }, code(WHERE), code(PLOT)];
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  const notebook = { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 4 };
  write(join(folder, NAME), JSON.stringify(notebook));
  for (const name of ['data/steps.csv', 'models/walk.pt', 'train.py', 'README.md'])
    write(join(folder, name), '');
  onHostOfToday(world, ['uv', 'venv'], folder);
  onHostOfToday(
    world,
    ['uv', 'pip', 'install', '--python=.venv', '--compile-bytecode', 'jupyterlab', 'matplotlib'],
    folder,
  );
  settle(world.home);
}

/** Writes the settings of a user who has answered the question about news, and prefers a light page. */
function settle(home: string): void {
  const settings = {
    notification: { fetchNews: 'false', checkForUpdates: false, doNotDisturbMode: true },
    themes: { theme: 'JupyterLab Light', 'adaptive-theme': false },
  };
  const folder = join(home, '.jupyter/lab/user-settings/@jupyterlab/apputils-extension');
  for (const [name, values] of Object.entries(settings))
    write(join(folder, `${name}.jupyterlab-settings`), JSON.stringify(values));
}

function write(file: string, text: string): void {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
}

/** Takes a picture of the notebook of such a project in JupyterLab, after its cells have run. */
export async function takeNotebook(browser: BrowserContext, url: string, path: string): Promise<void> {
  const page = await openInLab(browser, url, NAME);
  await page.setViewportSize({ width: 1180, height: 920 });
  await runAllInLab(page);
  await pictureInLab(page);
  await page.keyboard.press('Control+s');
  await page.locator('.jp-mod-dirty').waitFor({ state: 'detached' });
  await page.locator('.jp-Notebook-cell').first().click();
  await page.locator('.jp-WindowedPanel-outer').first().evaluate('element => { element.scrollTop = 0; }');
  await page.mouse.move(0, 0);
  await page.screenshot({ path });
}
