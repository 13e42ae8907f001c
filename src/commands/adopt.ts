import { type AdoptSettings, adoptServer } from '../lifecycle/adopt.ts';
import type { Started } from '../lifecycle/start.ts';
import { invalidNumber, verifyAlone } from '../line/verb.ts';
import { optionName, SETTING_NAMES, settingOf } from '../model/settings.ts';
import type { Terminal } from '../screen/terminal.ts';

export const ADOPT = {
  adopt: {
    type: 'number',
    describe:
      'connect to the running Jupyter server with this port or PID on the host, no matter who started it (status --all lists them)',
    requiresArg: true,
  },
} as const;

/** The options that apply only when a server is started. */
const START_OPTIONS = [
  ...SETTING_NAMES.filter((name) => settingOf(name).side === 'host').map(optionName),
  'save',
  'plain',
  'dry-run',
];

/**
 * Connects to the server with the port or PID that `--adopt` names.
 * @throws UsageError when an option that applies only to a start is given, too
 */
export async function adoptNamed(
  number: number,
  args: AdoptSettings & { readonly server?: string | undefined },
  terminal: Terminal,
): Promise<Started> {
  if (!Number.isInteger(number) || number < 1)
    throw invalidNumber('adopt', number, 'the port or the PID of a server (status --all lists them)');
  const given = new Map(Object.entries(args));
  const others = START_OPTIONS.filter((option) => given.get(option)).map((option) => `--${option}`);
  verifyAlone('--adopt', others);
  return adoptServer(args.server, number, args, terminal.context);
}
