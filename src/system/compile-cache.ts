import module from 'node:module';
import { ensurePrivateFolder } from './files.ts';
import { cacheFolder } from './paths.ts';

/**
 * Has Node (22.1 and later) keep what it compiles from here on, so that the next command starts sooner. In a folder of
 * the user's own: the one that Node would take is everybody's. Without one nothing is kept, and nobody is bothered.
 */
export function enableCompileCache(env: NodeJS.ProcessEnv): void {
  // The types are those of the oldest Node that will do.
  const { enableCompileCache: enable } = module as { enableCompileCache?: (folder: string) => unknown };
  if (!enable || env.NODE_DISABLE_COMPILE_CACHE) return;
  try {
    const folder = cacheFolder(env);
    ensurePrivateFolder(folder);
    enable(folder);
  } catch {}
}
