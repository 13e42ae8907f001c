import assert from 'node:assert/strict';
import { EXAMPLE_NAME } from '../../scripts/demo/example.ts';
import type { World } from '../hosts/world.ts';
import { openFromList, pictureSize, runAllCells, withBrowser } from './chromium.ts';

/** Starts a server, and does in a real browser what a user would do. Returns the size of the example's plot. */
export async function seePlot(
  { laptop }: World,
  directory: string,
  ...more: string[]
): Promise<{ width: number; height: number }> {
  const words = ['loopback', '{F}', '--name', directory, '--directory', directory, '--no-browser', ...more];
  const { code, stdout, stderr } = await laptop.run('start', ...words, '--command=jupyter notebook');
  assert.equal(code, 0, stderr);
  return withBrowser(async (browser) => {
    const page = await openFromList(browser, stdout.trim(), EXAMPLE_NAME);
    await runAllCells(page);
    await page.getByText(/connected by ssh from 127\.0\.0\.1:\d+ to 127\.0\.0\.1/).waitFor();
    return pictureSize(page);
  });
}
