import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { debian13, NO_DEBIAN_13 } from '../hosts/debian13/debian13.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { missing } from '../hosts/needs.ts';
import { done, started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { makeWorld, type World } from '../hosts/world.ts';
import { NO_CHROMIUM, openFromList, withBrowser } from './chromium.ts';
import { openInLab } from './lab.ts';

/** Two servers in one browser, which sends the cookies of 127.0.0.1 to every port of that address. */

const noLab = NO_DEBIAN_13 || NO_CHROMIUM;

const world = await worldPerFile();
let labWorld: World;
before(async () => {
  if (!noLab) labWorld = await makeWorld(await debian13());
});
after(() => labWorld?.remove());
beforeEach(() => configure(''));

/** Writes a configuration that jupyter_server reads and notebook 6 ignores. */
function configure(lines: string): void {
  for (const { home } of noLab ? [world] : [world, labWorld]) {
    mkdirSync(join(home, '.jupyter'), { recursive: true });
    writeFileSync(join(home, '.jupyter', 'jupyter_server_config.py'), lines);
  }
}

/** Starts a server with its own name, directory and notebook, and returns the page that `start` prints. */
async function startNotebook(host: World, name: string, command: string): Promise<string> {
  const directory = join(host.home, name);
  mkdirSync(directory);
  const metadata = { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } };
  const spec = { cells: [], metadata, nbformat: 4, nbformat_minor: 4 };
  writeFileSync(join(directory, `${name}.ipynb`), JSON.stringify(spec));
  const words = ['--name', name, '--directory', name, `--command=${command}`, ...(await ports())];
  await started(host.laptop, '--no-browser', ...words);
  return (await done(host.laptop, 'open', name, '--print')).trim();
}

/** Opens the notebook, for which the page requests a kernel by POST. */
async function openDocument(browser: BrowserContext, url: string): Promise<Page> {
  const { pathname } = new URL((await fetch(url)).url);
  const open = pathname.endsWith('/lab') ? openInLab : openFromList;
  return open(browser, url, '.ipynb');
}

/** Saves as a user does, and returns the server's response. */
async function save(page: Page): Promise<number> {
  const answered = page.waitForResponse(
    (response) => response.request().method() === 'PUT' && /\/api\/contents\//.test(response.url()),
  );
  await page.keyboard.press('Control+s');
  return (await answered).status();
}

/** A request as extensions of a page send it: with the browser's cookies, and without the token. */
function createFile(page: Page, baseUrl: string): Promise<number> {
  return page.evaluate(async (path) => {
    const { document } = globalThis as unknown as { document: { cookie: string } };
    const [, xsrf = ''] = /\b_xsrf=([^;]*)\b/.exec(document.cookie) ?? [];
    const headers = { 'X-XSRFToken': xsrf, 'Content-Type': 'application/json' };
    return (await fetch(path, { method: 'POST', headers, body: '{"type": "file"}' })).status;
  }, `${baseUrl}api/contents`);
}

/** Logs in to both servers, and works in each by turns. Afterwards, each still accepts its user. */
async function workInBoth(
  urls: readonly [string, string],
  baseUrls: readonly [string, string],
): Promise<void> {
  await withBrowser(async (browser) => {
    for (const url of [...urls, urls[0]]) await (await browser.newPage()).goto(url);
    const pages = [await openDocument(browser, urls[0]), await openDocument(browser, urls[1])] as const;
    for (const which of [0, 1, 0, 1] as const) {
      await pages[which].bringToFront();
      assert.equal(await save(pages[which]), 200, `saved in ${urls[which]}`);
      assert.equal(await createFile(pages[which], baseUrls[which]), 201, `created in ${urls[which]}`);
    }
    for (const page of pages) {
      const again = await page.reload();
      assert.deepEqual([again?.status(), /login/.test(again?.url() ?? '')], [200, false], again?.url());
    }
  });
}

test('two servers of notebook 6 in one browser can save, and both stay logged in', {
  skip: NO_CHROMIUM,
}, async () => {
  const urls = [
    await startNotebook(world, 'one', 'jupyter notebook'),
    await startNotebook(world, 'two', 'jupyter notebook'),
  ] as const;
  await workInBoth(urls, ['/', '/']);
});

test('notebook 6 and JupyterLab 4 in one browser can save, and both stay logged in', {
  skip: noLab,
}, async () => {
  const urls = [
    await startNotebook(labWorld, 'three', ''),
    await startNotebook(world, 'four', 'jupyter notebook'),
  ] as const;
  await workInBoth(urls, ['/', '/']);
});

test('two servers of JupyterLab 4, one of them with a base_url, can save, and both stay logged in', {
  skip: noLab,
}, async () => {
  configure("c.ServerApp.base_url = '/me/'");
  const first = await startNotebook(labWorld, 'five', '');
  configure('');
  const second = await startNotebook(labWorld, 'six', '');
  await workInBoth([first, second], ['/me/', '/']);
});

const noNbclassic = NO_CHROMIUM || missing('jupyter-nbclassic');
test('jupyter_server 1 with a base_url and notebook 6 can save, and both stay logged in', {
  skip: noNbclassic,
}, async () => {
  configure("c.ServerApp.base_url = '/me/'");
  const urls = [
    await startNotebook(world, 'seven', 'jupyter nbclassic'),
    await startNotebook(world, 'eight', 'jupyter notebook'),
  ] as const;
  await workInBoth(urls, ['/me/', '/']);
});
