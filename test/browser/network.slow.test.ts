import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { NO_ROOT } from '../hosts/needs.ts';
import { makeNetwork, type Network } from '../hosts/network.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';
import { NO_CHROMIUM, openFromList, withBrowser } from './chromium.ts';

/** A laptop that sleeps or roams: the link is cut for longer than ssh's keep-alive, and then restored. */

const skip = NO_ROOT || NO_CHROMIUM;

let network: Network;
let world: World;
let url: string;
before(async () => {
  if (skip) return;
  network = makeNetwork();
  world = await makeWorld({ machine: network });
  writeFileSync(join(world.home, 'counter.ipynb'), notebook(['kept = 41', 'print("kept is", kept + 1)']));
  const started = await world.laptop.run(
    'start',
    'loopback',
    '{F}',
    '--no-browser',
    '--command=jupyter notebook',
  );
  assert.equal(started.code, 0, started.stderr);
  url = started.stdout.trim();
});
after(async () => {
  await world?.remove();
  network?.remove();
});

function notebook(cells: readonly string[]): string {
  const code = (source: string) => ({
    cell_type: 'code',
    execution_count: null,
    metadata: {},
    outputs: [],
    source,
  });
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  return JSON.stringify({ cells: cells.map(code), metadata: { kernelspec }, nbformat: 4, nbformat_minor: 4 });
}

async function state(): Promise<string> {
  const { stdout } = await world.laptop.run('status', '--json');
  return JSON.parse(stdout).servers[0].state;
}

test('after a network failure, variables are kept and the page continues without a reload', {
  skip,
}, async () => {
  await withBrowser(async (browser) => {
    const page = await openFromList(browser, url, 'counter.ipynb');
    page.on('framenavigated', () => assert.fail('the page was loaded again'));
    await page.locator('#notebook .cell').first().click();
    await page.keyboard.press('Shift+Enter');
    await page.locator('.input_prompt', { hasText: '[1]' }).waitFor();
    network.cut();
    await eventually('the keeper notices', async () => (await state()) === 'reconnecting');
    network.restore();
    await eventually('the tunnel is back', async () => (await state()) === 'connected');
    await page.locator('#kernel_indicator_icon.kernel_idle_icon').waitFor();
    await page.locator('#notebook .cell').nth(1).click();
    await page.keyboard.press('Shift+Enter');
    await page.locator('#notebook .output_area', { hasText: 'kept is 42' }).waitFor({ timeout: 120_000 });
  });
});

test('the tunnel continues when the laptop gets another address', { skip }, async () => {
  network.cut();
  network.roam();
  await eventually('the keeper notices', async () => (await state()) === 'reconnecting');
  network.restore();
  await eventually('the tunnel is back', async () => (await state()) === 'connected');
});
