import type { Command } from './command.ts';
import type { Context } from './context.ts';
import { startDetached } from './run.ts';

/**
 * Opens a page in the user's browser and does not wait for it. $BROWSER names the browser, as Jupyter and
 * xdg-open take it; without, the desktop's own. Answers false where there is no desktop to open it on.
 */
export async function openBrowser(url: string, { env }: Context): Promise<boolean> {
  const browser = env.BROWSER?.split(':')[0];
  if (browser) {
    startDetached(browserCommand(browser, url), env);
    return true;
  }
  if (process.platform === 'linux' && !env.DISPLAY && !env.WAYLAND_DISPLAY && !env.WSL_DISTRO_NAME)
    return false;
  const { default: open } = await import('open');
  const child = await open(url);
  child.once('error', () => {});
  return true;
}

/** $BROWSER is a command line of the user's own; a %s in it is where the page goes. */
function browserCommand(browser: string, url: string): Command {
  const line = browser.includes('%s') ? browser.replaceAll('%s', '"$1"') : `${browser} "$1"`;
  return ['/bin/sh', '-c', line, 'sh', url];
}
