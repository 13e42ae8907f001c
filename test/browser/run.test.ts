import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Notebook, notebookOf } from '../hosts/driver.ts';
import { worldFor } from '../hosts/lasting.ts';
import { writeNotebook } from '../hosts/runs.ts';
import { done } from '../hosts/servers.ts';
import { ownLocalPort } from '../hosts/sshd.ts';
import { NO_JUPYTER_OF_TODAY, withToday } from '../hosts/today.ts';
import { NO_CHROMIUM, withBrowser } from './chromium.ts';
import { pictureInLab } from './lab.ts';
import { LAB, openNotebook } from './lines.ts';

/** Cells with what a page can show: lines, a progress bar, HTML, a picture, and an error at the end. */
const CELLS = [
  'for n in range(3): print("line", n, flush=True)',
  String.raw`import sys
for n in range(101): print(f"\r{n} % of it", end="", file=sys.stderr, flush=True)`,
  'from IPython.display import HTML, Image, display\ndisplay(HTML("<b>bold words</b>"))',
  String.raw`import struct, zlib
def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
pixels = zlib.compress((b"\0" + b"\x40" * 120) * 40)
display(Image(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 120, 40, 8, 0, 0, 0, 0)) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")))`,
  '{}["absent"]',
];

/** The cells of a notebook. Their sources may be texts or lists of lines. */
function cellsIn(text: string) {
  const { cells }: Notebook = JSON.parse(text);
  return cells.map((cell) => ({ ...cell, source: [cell.source].flat().join('') }));
}

test('a notebook that was fetched from a run shows all its outputs in JupyterLab, which can save it unchanged', {
  skip: NO_CHROMIUM || NO_JUPYTER_OF_TODAY,
}, async (context) => {
  const world = await worldFor(context, withToday());
  const { laptop, home } = world;
  const path = writeNotebook(laptop, 'shown.ipynb', notebookOf(...CELLS));
  const work = join(home, 'work');
  mkdirSync(work);
  const result = join(work, 'shown.ipynb');
  const { code, stderr } = await laptop.run('run', path, 'loopback', '{F}', '--wait', '--output', result);
  assert.equal(code, 1, stderr);
  const before = readFileSync(result, 'utf8');
  const options = ['--directory', 'work', '--command', 'jupyter lab', '--no-browser', '--timeout', '300'];
  await done(laptop, 'start', 'loopback', '{F}', ...options, ...(await ownLocalPort()));
  await withBrowser(async (browser) => {
    const page = await openNotebook(browser, world, LAB, 'shown.ipynb');
    const outputs = page.locator('.jp-OutputArea-output');
    // Each output is drawn by itself, in any order.
    for (const hasText of ['line 2', '100 % of it', 'bold words', 'KeyError'])
      await outputs.filter({ hasText }).waitFor();
    const text = (await outputs.allInnerTexts()).map((each) => each.trim());
    assert.deepEqual(text.slice(0, 3), ['line 0\nline 1\nline 2', '100 % of it', 'bold words']);
    assert.deepEqual(await pictureInLab(page), { width: 120, height: 40 });
    const prompts = await page.locator('.jp-CodeCell .jp-InputPrompt').allInnerTexts();
    assert.deepEqual(prompts, ['[1]:', '[2]:', '[3]:', '[4]:', '[5]:']);
    assert.deepEqual(await page.locator(LAB.dialog).allInnerTexts(), []);
    await page.locator(LAB.cell).first().click();
    // JupyterLab also puts the layout of its page.
    const saved = page.waitForResponse(
      (response) => response.request().method() === 'PUT' && /\/api\/contents\//.test(response.url()),
    );
    await page.keyboard.press('Control+s');
    assert.equal((await saved).status(), 200);
  });
  assert.deepEqual(cellsIn(readFileSync(result, 'utf8')), cellsIn(before));
});
