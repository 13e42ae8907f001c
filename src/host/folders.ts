import { valuesOf } from './protocol.ts';
import { askHost, type OnHost } from './run-script.ts';

/**
 * The folders on the host whose paths begin with `typed`, as the user would type them, each with a slash at its end.
 * @param typed relative to the home folder, absolute, or starting with ~
 */
export async function foldersFrom(typed: string, server: OnHost): Promise<string[]> {
  return valuesOf(await askHost(server, { name: 'folders', variables: { directory: typed } }), 'path');
}
