import type { Started } from '../lifecycle/start.ts';
import type { Terminal } from '../screen/terminal.ts';
import { UsageError } from '../system/errors.ts';

/** What would say of a server that runs how it is to be started. */
const OTHERS = [
  'directory',
  'environment',
  'setup',
  'command',
  'port',
  'socket',
  'idle-timeout',
  'save',
  'plain',
  'dry-run',
] as const;

/**
 * Adopts the server that `--adopt` names, and brings it here.
 * @throws UsageError when another option speaks against it
 */
export async function adoptNamed(
  number: number,
  args: {
    readonly server?: string | undefined;
    readonly F?: string | undefined;
    readonly name?: string | undefined;
    readonly localPort?: number | undefined;
    readonly strictPort?: boolean | undefined;
  },
  terminal: Terminal,
): Promise<Started> {
  if (!Number.isInteger(number) || number < 1) {
    throw new UsageError(`--adopt is ${Number.isNaN(number) ? 'not a number' : number}`, {
      remedy: 'It is the port or the PID of a server, as status --all tells them.',
    });
  }
  const other = OTHERS.find((option) => Object.entries(args).some(([key, value]) => key === option && value));
  if (other !== undefined) {
    throw new UsageError(`--adopt joins what runs as it is, and --${other} says otherwise`, {
      remedy: 'Leave out one of the two.',
    });
  }
  const { adoptServer } = await import('../lifecycle/adopt.ts');
  const settings = { name: args.name, 'local-port': args.localPort, 'strict-port': args.strictPort };
  return adoptServer(args.server, number, settings, args.F, terminal.context);
}
