import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { EXAMPLE_NAME, writeExample } from '../../scripts/demo/example.ts';
import { debian13, NO_DEBIAN_13 } from '../hosts/debian13/debian13.ts';
import { freePort, ownLocalPort } from '../hosts/sshd.ts';
import { makeWorld, type World } from '../hosts/world.ts';
import { NO_CHROMIUM, withBrowser } from './chromium.ts';
import { openInLab, pictureInLab, runAllInLab } from './lab.ts';

const skip = NO_DEBIAN_13 || NO_CHROMIUM;
let world: World;
before(async () => {
  if (!skip) world = await makeWorld(await debian13());
});
after(() => world?.remove());

for (const [where, ...more] of [['socket'], ['port', '--port', String(await freePort())]] as const) {
  test(`JupyterLab 4 on a ${where} opens in a browser, and a cell draws its plot`, { skip }, async () => {
    writeExample(join(world.home, where));
    const words = [
      'loopback',
      '{F}',
      '--name',
      where,
      '--directory',
      where,
      '--no-browser',
      ...more,
      ...(await ownLocalPort()),
    ];
    const { code, stdout, stderr } = await world.laptop.run('start', ...words);
    assert.equal(code, 0, stderr);
    await withBrowser(async (browser) => {
      const page = await openInLab(browser, stdout.trim(), EXAMPLE_NAME);
      await runAllInLab(page);
      await page.getByText(/connected by ssh from 127\.0\.0\.1:\d+ to 127\.0\.0\.1/).waitFor();
      assert.deepEqual(await pictureInLab(page), { width: 720, height: 300 });
    });
  });
}
