import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

type Environment = NodeJS.ProcessEnv;

function home(env: Environment): string {
  return env.HOME || homedir();
}

/** XDG Base Directory: a relative path in these variables is ignored. */
function xdgFolder(value: string | undefined, fallback: string): string {
  return join(value && isAbsolute(value) ? value : fallback, 'remote-notebook');
}

/** The folder of records, keepers and control sockets. Mode 0700. */
export function stateFolder(env: Environment): string {
  return xdgFolder(env.XDG_STATE_HOME, join(home(env), '.local', 'state'));
}

/** The records of all servers. Mode 0600. */
export function stateFile(env: Environment): string {
  return join(stateFolder(env), 'state.json');
}

export function configurationFile(env: Environment): string {
  return join(xdgFolder(env.XDG_CONFIG_HOME, join(home(env), '.config')), 'config.yaml');
}
