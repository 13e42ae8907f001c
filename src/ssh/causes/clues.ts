import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { type Context, endedBy, timeLimit } from '../../system/context.ts';
import { attempt } from '../../system/errors.ts';
import { withAccountHome } from '../../system/paths.ts';
import { run } from '../../system/run.ts';
import { openKeyCommand } from '../keys.ts';
import type { Options } from '../options.ts';

/** Timeout for an agent that has no key to ask about, and for the first line of a service. */
const AGENT_TIMEOUT_MS = 3000;
const GREETING_TIMEOUT_MS = 3000;

/** A key file that ssh would use for a host. `locked`: it has a passphrase; `open`: others can read it. */
export interface KeyFile {
  readonly path: string;
  readonly state: 'usable' | 'locked' | 'open' | 'unusable' | 'missing';
}

/** What this machine knows about a failed connection, and ssh does not print. */
export interface Clues {
  readonly keys: readonly KeyFile[];
  /** How many keys the agent has, or why that is unknown; undefined if it was not asked. */
  readonly agent?: number | 'none' | 'hangs' | undefined;
  /** The first line of the service that has the host's port. */
  readonly greeting?: string | undefined;
  /** The fingerprint of the key that the host has shown before, if it shows another one now. */
  readonly formerKey?: string | undefined;
}

export const NO_CLUES: Clues = { keys: [] };

/** Looks at the keys that ssh would offer. Asks nobody, and no host. */
export async function keyClues(options: Options, context: Context): Promise<Clues> {
  const paths = (options.get('identityfile') ?? []).map(withAccountHome);
  const [keys, agent] = await Promise.all([
    Promise.all(paths.map(async (path) => ({ path, state: await keyState(path, context) }))),
    keysOfAgent(options, context),
  ]);
  return { keys, agent };
}

async function keyState(path: string, context: Context): Promise<KeyFile['state']> {
  if (!existsSync(path)) return 'missing';
  const text = attempt(() => readFileSync(path, 'utf8')) ?? '';
  // ssh uses the file of a public key only to choose a key of the agent.
  if (!text.includes('PRIVATE KEY')) return 'unusable';
  const { code, stderr } = await run(openKeyCommand(path), context);
  if (code === 0) return 'usable';
  if (/bad permissions/.test(stderr)) return 'open';
  return /passphrase/.test(stderr) ? 'locked' : 'unusable';
}

async function keysOfAgent(options: Options, context: Context): Promise<Clues['agent']> {
  const [setting = 'SSH_AUTH_SOCK'] = options.get('identityagent') ?? [];
  const name = setting.replace(/^\$\{?|\}$/g, '');
  const socket = setting.includes('/') ? withAccountHome(setting) : context.env[name];
  if (setting === 'none' || !socket) return 'none';
  const timeout = timeLimit(AGENT_TIMEOUT_MS);
  const env = { ...context.env, SSH_AUTH_SOCK: socket };
  try {
    // ssh-add(1): status 1 means no keys, 2 no agent.
    const { code, stdout } = await run(['ssh-add', '-l'], endedBy(timeout, { ...context, env }));
    if (code === 0) return stdout.trim().split('\n').length;
    return code === 1 ? 0 : 'none';
  } catch (error) {
    if (!timeout.aborted || context.signal.aborted) throw error;
    return 'hangs';
  }
}

/** Asks the service on the host's port for its first line, as ssh does, which prints it only with -v. */
export function greetingClue(options: Options, { signal }: Context): Promise<Clues> {
  const [host = ''] = options.get('hostname') ?? [];
  const [port = ''] = options.get('port') ?? [];
  return new Promise((resolve) => {
    let text = '';
    const timeout = AbortSignal.any([signal, timeLimit(GREETING_TIMEOUT_MS)]);
    const socket = connect({ host, port: Number(port), signal: timeout });
    const finish = () => {
      socket.destroy();
      resolve({ keys: [], greeting: /^[\x20-\x7e]{1,80}/.exec(text)?.[0] });
    };
    socket.setEncoding('latin1').once('connect', () => socket.write('SSH-2.0-OpenSSH\r\n'));
    socket.on('data', (part: string) => {
      text += part;
      if (/[\r\n]/.test(text) || text.length > 80) finish();
    });
    socket.once('error', finish).once('close', finish);
  });
}
