import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import type { Link, Loss } from '../hosts/losses.ts';
import { done } from '../hosts/servers.ts';
import { ownLocalPort } from '../hosts/sshd.ts';
import { eventually, makeWorld, type World, type WorldOptions } from '../hosts/world.ts';
import { withBrowser } from './chromium.ts';

/** A kind of Jupyter, with the selectors of its page. */
export interface Kind {
  readonly name: string;
  readonly skip: string | false;
  readonly command: string;
  readonly options: () => WorldOptions | Promise<WorldOptions>;
  readonly page: NotebookPage;
}

export interface NotebookPage {
  /** Visible as soon as the kernel can run a cell. */
  readonly idle: string;
  readonly cell: string;
  readonly output: string;
  readonly dialog: string;
}

/** What happens while a cell prints ten lines in a second. */
export interface Case {
  /** The end of the sentence "a page whose link …". */
  readonly name: string;
  readonly loss: Loss;
  readonly lines: number;
}

/** The page of notebook 6. */
export const CLASSIC: NotebookPage = {
  idle: '#kernel_indicator_icon.kernel_idle_icon',
  cell: '#notebook .cell',
  output: '#notebook .output_area pre',
  dialog: '.modal-dialog:visible',
};

/** The page of JupyterLab 4. */
export const LAB: NotebookPage = {
  // The indicator beside the notebook shows "idle" even before a kernel exists; the one in the status bar does not.
  idle: 'text=/^Python 3 .*\\| Idle$/',
  cell: '.jp-CodeCell',
  output: '.jp-CodeCell .jp-OutputArea-output pre',
  dialog: '.jp-Dialog',
};

/** The page of Notebook 7, which has no status bar. */
export const NOTEBOOK_7: NotebookPage = {
  ...LAB,
  idle: '.jp-Notebook-ExecutionIndicator[data-status="idle"]',
};

/** Pages, each with its own link: every line that the cell prints is in the page, none is there twice. */
export function describeLines(kind: Kind, cases: readonly Case[]): void {
  for (const { name, loss, lines } of cases)
    describe(`a page of ${kind.name} whose link ${name}`, { skip: kind.skip }, () => {
      const way = wayPerSuite(kind, loss);

      test(`shows each of ${lines} lines once, without a dialog or a click, and runs the next cell`, () =>
        withBrowser(async (browser) => {
          const { world, link } = way();
          writeNotebook(world, lines);
          const page = await openNotebook(browser, world, kind.page);
          let loads = 0;
          page.on('framenavigated', () => loads++);
          await runCells(page, kind.page);
          await shown(page, kind.page, 'L20');
          await link.lose(world);
          await shown(page, kind.page, THE_NEXT, lines * 100 + 180_000);
          assert.deepEqual(await linesIn(page, kind.page), firstLines(lines));
          assert.deepEqual([await page.locator(kind.page.dialog).allInnerTexts(), loads], [[], 0]);
        }));
    });
}

/** A started server behind a link of its own, for the tests of a suite. */
function wayPerSuite(kind: Kind, loss: Loss): () => { readonly world: World; readonly link: Link } {
  let world: World | undefined;
  let link: Link | undefined;
  before(async () => {
    link = loss(await kind.options());
    world = await startedWorld(link.options, kind.command);
  });
  after(async () => {
    await world?.remove();
    await link?.remove();
  });
  return () => {
    assert.ok(world && link);
    return { world, link };
  };
}

/** A world whose only server is running. */
export async function startedWorld(options: WorldOptions, command: string): Promise<World> {
  const world = await makeWorld(options);
  const words = ['--no-browser', '--command', command, '--timeout', '300', ...(await ownLocalPort())];
  const { code, stderr } = await world.laptop.run('start', 'loopback', '{F}', ...words);
  if (code === 0) return world;
  await world.remove();
  throw new Error(stderr);
}

const NOTEBOOK = 'lines.ipynb';
/** What the second cell prints. */
export const THE_NEXT = 'the next one';

/** A cell that prints lines, ten in a second, and a second cell. */
export function writeNotebook({ home }: World, lines: number, name = NOTEBOOK): void {
  writeFileSync(join(home, name), notebookOf(lines));
}

/** @param kernel the name of its kernel */
export function notebookOf(lines: number, kernel = 'python3'): string {
  const printing = `import time
for line in range(${lines}):
    print('L%d' % line, flush=True); time.sleep(0.1)`;
  const cells = [printing, "print('the next ' + 'one')"].map((source, number) => {
    const id = `cell-${number}`;
    return { cell_type: 'code', id, execution_count: null, metadata: {}, outputs: [], source };
  });
  const kernelspec = { name: kernel, display_name: 'Python 3', language: 'python' };
  const notebook = { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
  return JSON.stringify(notebook);
}

/** Opens it in a new page, as `open` does. */
export async function openNotebook(
  browser: BrowserContext,
  { laptop }: World,
  { idle }: NotebookPage,
  name = NOTEBOOK,
): Promise<Page> {
  const page = await browser.newPage();
  await page.goto((await done(laptop, 'open', 'loopback', name, '--print')).trim());
  await page.locator(idle).first().waitFor();
  await eventually('the page is connected to its kernel', () => hasKernel(page));
  return page;
}

/** Whether a page of this server is connected to a kernel. Until then, Notebook 7 ignores Shift+Enter, though it says "idle". */
async function hasKernel(page: Page): Promise<boolean> {
  const response = await page.request.get(new URL('/api/kernels', page.url()).href);
  const kernels = (await response.json()) as { connections: number }[];
  return kernels.some(({ connections }) => connections > 0);
}

/** Runs both cells: the second waits for the first. */
export async function runCells(page: Page, { cell }: NotebookPage): Promise<void> {
  await page.locator(cell).first().click();
  for (let count = 0; count < 2; count++) await page.keyboard.press('Shift+Enter');
}

/** Waits until the page shows a line. */
export async function shown(
  page: Page,
  { output }: NotebookPage,
  line: string,
  timeout?: number,
): Promise<void> {
  const hasText = new RegExp(`^${line}$`, 'm');
  await page
    .locator(output)
    .filter({ hasText })
    .waitFor(timeout === undefined ? {} : { timeout });
}

/** The lines of the first cell that the page shows. */
export async function linesIn(page: Page, { output }: NotebookPage): Promise<readonly string[]> {
  return (await page.locator(output).allInnerTexts()).join('\n').match(/L\d+/g) ?? [];
}

export function firstLines(count: number): readonly string[] {
  return Array.from({ length: count }, (_, line) => `L${line}`);
}
