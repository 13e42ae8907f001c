import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EXAMPLE_NAME } from '../../scripts/demo/example.ts';
import { openFromList, pictureSize, runAllCells, withBrowser } from '../browser/chromium.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs `work` with the page of a demo. */
async function withDemo(work: (url: string) => Promise<void>): Promise<void> {
  const demo = spawn('make', ['demo'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => demo.once('close', () => resolve()));
  try {
    for await (const chunk of demo.stdout) {
      const url = /http:\S+/.exec(String(chunk))?.[0];
      if (url) return await work(url);
    }
    throw new Error('the demo printed no URL');
  } finally {
    demo.kill('SIGTERM');
    await ended;
  }
}

/** Takes a picture of the notebook of `make demo`. */
export function takeNotebook(path: string): Promise<void> {
  return withDemo((url) =>
    withBrowser(async (browser) => {
      const page = await openFromList(browser, url, EXAMPLE_NAME);
      await page.setViewportSize({ width: 1000, height: 1150 });
      await page.evaluate("document.body.style.zoom = '0.8'");
      await runAllCells(page);
      await pictureSize(page);
      await page.mouse.move(0, 0);
      await page.evaluate("document.querySelector('#site').scrollTop = 0");
      await page.screenshot({ path, clip: { x: 50, y: 0, width: 900, height: 870 } });
    }),
  );
}
