import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXAMPLE_NAME, writeExample } from '../../scripts/demo/example.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { NO_CHROMIUM, openFromList, pictureSize, runAllCells, withBrowser } from './chromium.ts';

const needsChromium = { skip: NO_CHROMIUM };

const world = await worldPerFile();

/** Starts a notebook there, and does in a real browser what a user would. */
async function seePlot(directory: string, ...more: string[]): Promise<{ width: number; height: number }> {
  const words = ['loopback', '{F}', '--name', directory, '--directory', directory, '--no-browser', ...more];
  const { code, stdout, stderr } = await world.laptop.run('start', ...words, '--command=jupyter notebook');
  assert.equal(code, 0, stderr);
  return withBrowser(async (browser) => {
    const page = await openFromList(browser, stdout.trim(), EXAMPLE_NAME);
    await runAllCells(page);
    await page.getByText(/connected by ssh from 127\.0\.0\.1:\d+ to 127\.0\.0\.1/).waitFor();
    return pictureSize(page);
  });
}

test('the page that start prints opens in a browser, and a cell draws its plot', needsChromium, async () => {
  writeExample(join(world.home, 'plots'));
  const { width, height } = await seePlot('plots');
  assert.ok(width > 400 && height > 200, `${width} x ${height}`);
});

test('a server on a Unix socket draws it as well, websockets and all', needsChromium, async () => {
  writeExample(join(world.home, 'socket'));
  const { width, height } = await seePlot('socket', '--socket');
  assert.ok(width > 400 && height > 200, `${width} x ${height}`);
});

test('the example draws its plot also where there is no matplotlib', needsChromium, async () => {
  writeExample(join(world.home, 'plain'));
  writeFileSync(join(world.home, 'plain', 'matplotlib.py'), 'raise ImportError("not here")\n');
  assert.deepEqual(await seePlot('plain'), { width: 720, height: 300 });
});
