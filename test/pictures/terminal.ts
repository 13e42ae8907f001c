import type { BrowserContext } from 'playwright-core';
import { openTerminal } from '../hosts/terminal.ts';

/** The styles that this program uses, by their escape codes. */
const STYLES: Readonly<Record<string, string>> = {
  1: 'font-weight: bold',
  2: 'opacity: 0.65',
  31: 'color: #ff7b72',
  32: 'color: #7ee787',
  33: 'color: #e3b341',
};

/** The content of a terminal after these commands, each after a prompt. */
export async function outputIn(lines: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const script = lines.map((line) => `printf '%s\\n' '\x1b[32m$\x1b[39m \x1b[1m${line}\x1b[22m'\n${line}\n`);
  const { NO_COLOR: _, ...colourful } = env;
  const window = openTerminal(['/bin/sh', '-ec', script.join('echo\n')], { ...colourful, TERM: 'xterm' });
  try {
    if ((await window.ended) !== 0) throw new Error(`a command failed:\n${window.shown()}`);
    return window.shown();
  } finally {
    await window.close();
  }
}

/** Draws the content of a terminal. */
export async function drawTerminal(browser: BrowserContext, shown: string, path: string): Promise<void> {
  const page = await browser.newPage();
  await page.setContent(`<style>
    body { margin: 0; background: #0d1117 }
    pre { display: inline-block; margin: 0; padding: 18px 22px; color: #e6edf3; font: 14px/1.45 'DejaVu Sans Mono', monospace }
  </style><pre>${html(shown)}</pre>`);
  await page.locator('pre').screenshot({ path });
}

/** The final lines, without those that were overwritten. */
function html(shown: string): string {
  const lines = shown.replaceAll('\r\n', '\n').replace(/\n.*\x1b\[A\r\r\x1b\[J|^.*\r\x1b\[J/gm, '');
  const open = new Set<string>();
  const pieces = lines.trimEnd().split(/\x1b\[(\d+)m/);
  return pieces
    .map((piece, index) => {
      if (index % 2 === 0) return styled(piece, open);
      if (piece in STYLES) open.add(piece);
      else for (const code of piece === '39' ? ['31', '32', '33'] : ['1', '2']) open.delete(code);
      return '';
    })
    .join('');
}

function styled(text: string, open: ReadonlySet<string>): string {
  const escaped = text.replace(/[&<]/g, (character) => `&#${character.charCodeAt(0)};`);
  const style = [...open].map((code) => STYLES[code]).join('; ');
  return style === '' ? escaped : `<span style="${style}">${escaped}</span>`;
}
