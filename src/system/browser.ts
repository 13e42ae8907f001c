import { spawn } from 'node:child_process';
import type { Context } from './context.ts';
import { childEnvironment } from './run.ts';

/** Whether this machine has a desktop, according to its environment. */
export function hasDesktop(env: NodeJS.ProcessEnv): boolean {
  const display = env.DISPLAY || env.WAYLAND_DISPLAY || env.WSL_DISTRO_NAME;
  return process.platform !== 'linux' || Boolean(display);
}

/** Opens a page in $BROWSER or the default browser, without waiting for it. Returns false if there is no desktop. */
export async function openBrowser(url: string, { env }: Context): Promise<boolean> {
  const browser = env.BROWSER?.split(':')[0];
  if (!browser && !hasDesktop(env)) return false;
  const child = browser ? start(browser, url, env) : await (await import('open')).default(url);
  child.once('error', () => {});
  child.unref();
  return true;
}

/** $BROWSER is a command line, in which %s stands for the URL. */
function start(browser: string, url: string, env: NodeJS.ProcessEnv) {
  const line = browser.includes('%s') ? browser.replaceAll('%s', '"$1"') : `${browser} "$1"`;
  const options = { stdio: 'ignore', detached: true, env: childEnvironment(env) } as const;
  return spawn('/bin/sh', ['-c', line, 'sh', url], options);
}
