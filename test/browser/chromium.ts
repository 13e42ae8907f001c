import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { makeFolder } from '../hosts/standing.ts';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const chromiumPath = PLACES.find((path) => existsSync(path));
const RUNNER = fileURLToPath(new URL('chromium.py', import.meta.url));

/** For a test's `skip`. */
export const NO_CHROMIUM = chromiumPath === undefined && 'Chromium is not installed';

/**
 * The system's own Chromium, without a window, with an empty profile, and without requests of its own. It does not notice
 * the networks that other tests make and remove.
 */
export async function withBrowser<T>(work: (browser: BrowserContext) => Promise<T>): Promise<T> {
  if (!chromiumPath) throw new Error('there is no Chromium here');
  const profile = makeFolder('rn-browser-');
  const browser = await chromium.launchPersistentContext(profile, {
    ...(process.platform === 'linux'
      ? { executablePath: RUNNER, env: { ...process.env, CHROMIUM: chromiumPath } }
      : { executablePath: chromiumPath }),
    headless: true,
    viewport: { width: 1100, height: 800 },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  // A busy machine may need long.
  browser.setDefaultTimeout(120_000);
  try {
    return await work(browser);
  } finally {
    await browser.close();
  }
}

/** Opens a notebook as a user of the classic notebook does: by its name in the list of files. */
export async function openFromList(browser: BrowserContext, url: string, name: string): Promise<Page> {
  const list = await browser.newPage();
  await list.goto(url);
  const opened = browser.waitForEvent('page');
  await list.getByRole('link', { name }).click();
  const page = await opened;
  await page.locator('#kernel_indicator_icon.kernel_idle_icon').waitFor();
  return page;
}

/** Runs every cell with Shift+Enter, and waits until the kernel has finished. */
export async function runAllCells(page: Page): Promise<void> {
  const cells = page.locator('#notebook .cell');
  const prompts = page.locator('#notebook .code_cell .input_prompt');
  const [count, codeCount] = [await cells.count(), await prompts.count()];
  await cells.first().click();
  for (let cell = 0; cell < count; cell++) await page.keyboard.press('Shift+Enter');
  const done = prompts.filter({ hasText: /\[\d+\]/ });
  await done.nth(codeCount - 1).waitFor();
}

/** The size of the first picture that a cell has drawn: the natural size of an <img>, or the box of an <svg>. */
export async function pictureSize(page: Page): Promise<{ width: number; height: number }> {
  const picture = page.locator('#notebook .output_area').locator('img, svg').first();
  await picture.waitFor();
  return picture.evaluate((element) => {
    const { width, height } = element.getBoundingClientRect();
    const { naturalWidth = width, naturalHeight = height } = element as Partial<Record<string, number>>;
    return { width: naturalWidth, height: naturalHeight };
  });
}
