import { spawn } from 'node:child_process';
import type { Context } from './context.ts';
import { childEnvironment } from './run.ts';

/** Whether this machine shows windows, as far as its environment tells. */
export function hasDesktop(env: NodeJS.ProcessEnv): boolean {
  const display = env.DISPLAY || env.WAYLAND_DISPLAY || env.WSL_DISTRO_NAME;
  return process.platform !== 'linux' || Boolean(display);
}

/**
 * Opens a page in the user's browser and does not wait for it. $BROWSER names the browser, as Jupyter and
 * xdg-open take it; without, the desktop's own. Answers false where there is no desktop to open it on.
 */
export async function openBrowser(url: string, { env }: Context): Promise<boolean> {
  const browser = env.BROWSER?.split(':')[0];
  if (!browser && !hasDesktop(env)) return false;
  const child = browser ? start(browser, url, env) : await (await import('open')).default(url);
  child.once('error', () => {});
  child.unref();
  return true;
}

/** $BROWSER is a command line of the user's own; a %s in it is where the page goes. */
function start(browser: string, url: string, env: NodeJS.ProcessEnv) {
  const line = browser.includes('%s') ? browser.replaceAll('%s', '"$1"') : `${browser} "$1"`;
  const options = { stdio: 'ignore', detached: true, env: childEnvironment(env) } as const;
  return spawn('/bin/sh', ['-c', line, 'sh', url], options);
}
