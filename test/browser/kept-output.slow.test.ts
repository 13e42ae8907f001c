import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { attempt } from '../../src/system/errors.ts';
import { diagnosis } from '../hosts/diagnosis.ts';
import { NO_NBMODEL, withNbmodel } from '../hosts/nbmodel.ts';
import { done } from '../hosts/servers.ts';
import { eventually, type World } from '../hosts/world.ts';
import { NO_CHROMIUM, withBrowser } from './chromium.ts';
import {
  firstLines,
  LAB,
  linesIn,
  openNotebook,
  runCells,
  shown,
  startedWorld,
  THE_NEXT,
  writeNotebook,
} from './lines.ts';

/** What docs/how-to/long-work.md promises of jupyter-server-nbmodel. */

const NOTEBOOK = 'lines.ipynb';

/** Opens the notebook. A busy machine takes long, for which this JupyterLab asks whether to wait. */
async function open(browser: BrowserContext, world: World): Promise<Page> {
  browser.once('page', (page) => {
    const asking = page.locator('.jp-Dialog', { hasText: 'taking some time to load' });
    void page.addLocatorHandler(asking, () => page.getByRole('button', { name: 'Continue waiting' }).click());
  });
  return openNotebook(browser, world, LAB, NOTEBOOK);
}

/** All that is printed, as the notebook's file has it; empty while Jupyter writes the file, which takes two steps. */
function savedText({ home }: World): string {
  const { cells = [] } = attempt(() => JSON.parse(readFileSync(join(home, NOTEBOOK), 'utf8'))) ?? {};
  const outputs = cells.flatMap((cell: { outputs: { text: string | string[] }[] }) => cell.outputs);
  return outputs.flatMap(({ text }: { text: string | string[] }) => text).join('');
}

/** Waits until the notebook's file has what its last cell prints, and returns all lines of the first one. */
async function savedLines(world: World): Promise<readonly string[]> {
  let text = '';
  const hasAll = () => {
    text = savedText(world);
    return text.includes(THE_NEXT);
  };
  await eventually('the notebook is saved', hasAll, 300_000, 500);
  return text.match(/L\d+/g) ?? [];
}

/** The lines of a page, of which none is missing. */
async function completeLines(page: Page): Promise<number> {
  const lines = await linesIn(page, LAB);
  assert.deepEqual(lines, firstLines(lines.length));
  return lines.length;
}

const skip = NO_CHROMIUM || NO_NBMODEL;

describe('with jupyter-server-nbmodel', { concurrency: true, skip }, () => {
  describe('a page that is closed while a cell runs', () => {
    let world: World;
    before(async () => {
      world = await startedWorld(withNbmodel(), 'jupyter lab');
    });
    after(() => world?.remove());

    test('shows each line when it is opened again meanwhile, and after the end, much later', () =>
      withBrowser(async (browser) => {
        const count = 1300;
        writeNotebook(world, count);
        const first = await open(browser, world);
        await runCells(first, LAB);
        await shown(first, LAB, 'L100');
        await first.close();
        await new Promise((resolve) => setTimeout(resolve, 30_000));

        const second = await open(browser, world);
        await shown(second, LAB, 'L450');
        assert.ok((await completeLines(second)) > 450);
        await second.close();
        // Longer than jupyter-server-ydoc by itself remembers a notebook without a page.
        assert.deepEqual(await savedLines(world), firstLines(count));

        const third = await open(browser, world);
        await shown(third, LAB, THE_NEXT);
        assert.equal(await completeLines(third), count);
      }));
  });

  describe('a server', () => {
    let world: World;
    before(async () => {
      world = await startedWorld(withNbmodel(), 'jupyter lab');
    });
    after(() => world?.remove());

    test('is known to keep what cells print', async () => {
      const start = ['start', 'loopback', '{F}', '--no-browser'];
      // `start` does not wait long for the page that shows it.
      await eventually('start reports it', async () => {
        const { stderr } = await world.laptop.run(...start);
        return /^What cells print is kept while no page is open\.$/m.test(stderr);
      });
      await eventually('start --json reports it', async () => {
        const { jupyter } = JSON.parse(await done(world.laptop, ...start, '--json'));
        return jupyter.keepsOutput === true;
      });
      await eventually('doctor reports it', async () => {
        const { checks } = await diagnosis(world);
        const output = checks.find(({ name }) => name === 'output');
        return output?.found === 'What cells print is kept while no page is open.' && output.verdict === 'ok';
      });
    });

    test('shows each line in a second page when the first is closed, and after the end and a restart', () =>
      withBrowser(async (browser) => {
        const count = 300;
        writeNotebook(world, count);
        const [first, second] = [await open(browser, world), await open(browser, world)];
        await runCells(first, LAB);
        await shown(second, LAB, 'L50');
        await first.close();
        await shown(second, LAB, THE_NEXT);
        assert.equal(await completeLines(second), count);
        assert.deepEqual(await savedLines(world), firstLines(count));
        await second.close();

        await done(world.laptop, 'restart', 'loopback', '--yes', '--no-browser');
        const third = await open(browser, world);
        await shown(third, LAB, THE_NEXT);
        assert.equal(await completeLines(third), count);
      }));
  });
});
