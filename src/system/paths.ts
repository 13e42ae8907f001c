import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Failure } from './errors.ts';

type Environment = NodeJS.ProcessEnv;

/** The user's home folder: $HOME, or the account's if that is not an absolute path. @throws as `accountHome` */
export function homeFolder({ HOME: home }: Environment): string {
  return home && isAbsolute(home) ? home : accountHome();
}

/** The home folder of the account, which ssh uses whatever $HOME is. @throws Failure when this user has no account */
export function accountHome(): string {
  try {
    return userInfo().homedir;
  } catch (cause) {
    throw new Failure(`this machine has no account for your user ID ${process.getuid?.()}`, {
      remedy:
        'ssh needs one: add the user to /etc/passwd, or to the directory service (such as LDAP) that this machine uses.',
      cause,
    });
  }
}

/** A path in which a leading `~` is the home folder of the account, as ssh_config(5) has it. */
export function withAccountHome(path: string): string {
  return path.replace(/^~(?=\/)/, accountHome);
}

/** XDG Base Directory: a relative path in these variables is ignored. */
function xdgFolder(value: string | undefined, fallback: () => string): string {
  return value && isAbsolute(value) ? value : fallback();
}

/** The folder of records, keepers and control sockets. Mode 0700. */
export function stateFolder(env: Environment): string {
  const states = xdgFolder(env.XDG_STATE_HOME, () => join(homeFolder(env), '.local', 'state'));
  return join(states, 'remote-notebook');
}

/** The records of all servers. Mode 0600. */
export function stateFile(env: Environment): string {
  return join(stateFolder(env), 'state.json');
}

/** The folder of the configuration of all programs. */
export function configurationFolder(env: Environment): string {
  return xdgFolder(env.XDG_CONFIG_HOME, () => join(homeFolder(env), '.config'));
}

export function configurationFile(env: Environment): string {
  return join(configurationFolder(env), 'remote-notebook', 'config.yaml');
}
