import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { BrowserContext, WebSocket } from 'playwright-core';
import { type Link, silentForEver } from '../hosts/losses.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { done } from '../hosts/servers.ts';
import { NO_JUPYTER_OF_TODAY, withToday } from '../hosts/today.ts';
import { eventually, type World } from '../hosts/world.ts';
import { NO_CHROMIUM, withBrowser } from './chromium.ts';
import { firstLines, startedWorld } from './lines.ts';

const LINES = 400;
const PRINTING = `for line in $(seq 0 ${LINES - 1}); do echo L$line; sleep 0.1; done; echo the next' 'one`;

/** Opens a terminal of JupyterLab. Its page draws it on a canvas, so its text is read from its connection. */
async function openTerminal(browser: BrowserContext, url: string) {
  const page = await browser.newPage();
  let output = '';
  const connections: WebSocket[] = [];
  page.on('websocket', (socket) => {
    if (!socket.url().includes('/terminals/')) return;
    connections.push(socket);
    socket.on('framereceived', ({ payload }) => {
      const [kind, text] = JSON.parse(String(payload));
      if (kind === 'stdout') output += text;
    });
  });
  await page.goto(url);
  await page.locator('.jp-LauncherCard', { hasText: 'Terminal' }).click();
  await eventually('the terminal shows its prompt', () => output !== '');
  await page.locator('.jp-Terminal').click();
  return { page, connections, output: () => output };
}

describe('a terminal of JupyterLab', { skip: NO_ROOT || NO_CHROMIUM || NO_JUPYTER_OF_TODAY }, () => {
  let link: Link;
  let world: World;
  before(async () => {
    link = silentForEver(await withToday());
    world = await startedWorld(link.options, 'jupyter lab');
  });
  after(async () => {
    await world?.remove();
    await link?.remove();
  });

  test('shows each line once when its link stays silent for ever', () =>
    withBrowser(async (browser) => {
      const url = (await done(world.laptop, 'open', 'loopback', '--print')).trim();
      const { page, connections, output } = await openTerminal(browser, url);
      await page.keyboard.type(`${PRINTING}\n`);
      await eventually('lines are shown', () => /^L20\r$/m.test(output()));
      await link.lose(world);
      await eventually('all lines are shown', () => /^the next one\r$/m.test(output()), 300_000);
      assert.deepEqual(output().match(/^L\d+(?=\r$)/gm), firstLines(LINES));
      await page.keyboard.type("echo one' 'more\n");
      await eventually('the next command runs', () => /^one more\r$/m.test(output()));
      assert.deepEqual(
        connections.map((socket) => socket.isClosed()),
        [false],
      );
      assert.deepEqual(await page.locator('.jp-Dialog').allInnerTexts(), []);
    }));
});
