import type { AdoptSettings } from '../lifecycle/adopt.ts';
import type { Started } from '../lifecycle/start.ts';
import { verifyAlone } from '../line/verb.ts';
import { optionName, SETTING_NAMES, settingOf } from '../model/settings.ts';
import type { Terminal } from '../screen/terminal.ts';
import { UsageError } from '../system/errors.ts';

/** Names a server that runs already. */
export const ADOPT = {
  adopt: {
    type: 'number',
    describe:
      'connect to the running Jupyter server with this port or PID on the host, no matter who started it (status --all lists them)',
    requiresArg: true,
  },
} as const;

/** What would say of a server that runs how it is to be started. */
const OTHERS = [
  ...SETTING_NAMES.filter((name) => settingOf(name).side === 'host').map(optionName),
  'save',
  'plain',
  'dry-run',
];

/**
 * Adopts the server that `--adopt` names, and brings it here.
 * @throws UsageError when another option speaks against it
 */
export async function adoptNamed(
  number: number,
  args: AdoptSettings & { readonly server?: string | undefined },
  terminal: Terminal,
): Promise<Started> {
  if (!Number.isInteger(number) || number < 1) {
    throw new UsageError(`--adopt is ${Number.isNaN(number) ? 'not a number' : number}`, {
      remedy: 'It is the port or the PID of a server, as status --all tells them.',
    });
  }
  const given = Object.entries(args).flatMap(([key, value]) => (value ? [key] : []));
  const others = OTHERS.filter((option) => given.includes(option)).map((option) => `--${option}`);
  verifyAlone('--adopt', others);
  const { adoptServer } = await import('../lifecycle/adopt.ts');
  return adoptServer(args.server, number, args, terminal.context);
}
