import type { BrowserContext, Page } from 'playwright-core';

/** Opens a notebook as a user of JupyterLab 4 does: by a double click on its name in the list of files. */
export async function openInLab(browser: BrowserContext, url: string, name: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  await page.locator('.jp-DirListing-item', { hasText: name }).dblclick();
  // The indicator beside the notebook shows "idle" even before a kernel exists; the one in the status bar does not.
  await page.getByText(/^Python 3 .*\| Idle$/).waitFor();
  return page;
}

/** Runs every cell from the menu, and waits until the kernel has finished. */
export async function runAllInLab(page: Page): Promise<void> {
  await page.getByRole('menuitem', { name: 'Run', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Run All Cells', exact: true }).click();
  const prompts = page.locator('.jp-CodeCell .jp-InputPrompt');
  await prompts
    .last()
    .filter({ hasText: /\[\d+\]/ })
    .waitFor();
}

/** The size of the first picture that a cell has drawn, once it is loaded. */
export async function pictureInLab(page: Page): Promise<{ width: number; height: number }> {
  const picture = page.locator('.jp-OutputArea-output img, .jp-OutputArea-output svg').first();
  await picture.waitFor();
  return picture.evaluate(async (element) => {
    if ('decode' in element) await (element as { decode(): Promise<void> }).decode();
    const { width, height } = element.getBoundingClientRect();
    return { width: Math.round(width), height: Math.round(height) };
  });
}
