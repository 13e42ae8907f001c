import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ApiKernel } from '../hosts/kernels.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { askJupyter, done, serverRecord, started } from '../hosts/servers.ts';
import { eventually } from '../hosts/world.ts';
import { NO_CHROMIUM, openFromList, withBrowser } from './chromium.ts';

/** What docs/how-to/long-work.md says about a page that is closed while a cell runs. */

const world = await worldPerFile();

const WORK = `import os, time
print('bef' + 'ore')
open('begun', 'w').close()
while not os.path.exists('go on'): time.sleep(0.05)
print('af' + 'ter')
value = 6 * 7`;
const CELLS = [WORK, "%%capture printed\nprint('cap' + 'tured')", 'print(value, printed.stdout)'];

function writeNotebook(): void {
  const cells = CELLS.map((source) => {
    return { cell_type: 'code', source, metadata: {}, outputs: [], execution_count: null };
  });
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  const notebook = { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 4 };
  writeFileSync(join(world.home, 'work.ipynb'), JSON.stringify(notebook));
}

test('a cell keeps running when its page is closed: variables and captured output are kept, printed output is lost', {
  skip: NO_CHROMIUM,
}, async () => {
  writeNotebook();
  const { tunnel } = await started(world.laptop, '--command', 'jupyter notebook');
  const url = (await done(world.laptop, 'open', '--print')).trim();
  await withBrowser(async (browser) => {
    const first = await openFromList(browser, url, 'work.ipynb');
    await first.locator('#notebook .cell').first().click();
    for (let cell = 0; cell < 2; cell++) await first.keyboard.press('Shift+Enter');
    await first.locator('.output_area', { hasText: 'before' }).waitFor();
    await eventually('the cell waits', () => existsSync(join(world.home, 'begun')));
    await first.close();
    writeFileSync(join(world.home, 'go on'), '');
    const { token } = serverRecord(world.laptop);
    await eventually('the cell has ended', async () => {
      const [kernel] = await askJupyter<ApiKernel[]>(tunnel.localPort, token, '/api/kernels');
      return kernel?.execution_state === 'idle';
    });
    const second = await openFromList(browser, url, 'work.ipynb');
    assert.doesNotMatch((await second.locator('.output_area').allTextContents()).join(), /before|after/);
    await second.locator('#notebook .cell').last().click();
    await second.keyboard.press('Shift+Enter');
    await second.locator('.output_area', { hasText: /^\s*42 captured/ }).waitFor();
  });
});
