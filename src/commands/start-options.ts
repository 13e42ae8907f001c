import type { InstallOrder } from '../host/install/install.ts';
import { installOrder } from '../lifecycle/starting/install.ts';
import { flag, invalidNumber } from '../line/verb.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { UsageError } from '../system/errors.ts';

const MAX_TIMEOUT_S = 86_400;

export const BROWSER = {
  browser: {
    type: 'boolean',
    default: true,
    describe: 'open the browser; --no-browser only prints the URL',
  },
} as const;

export const TIMEOUT = {
  timeout: {
    type: 'number',
    default: 60,
    describe: 'seconds to wait until Jupyter has started (default: 60)',
    group: 'How:',
    requiresArg: true,
  },
} as const;

export const INSTALL = {
  install: {
    ...flag(
      'install JupyterLab and ipykernel on the host if they are missing: in .venv in the directory, or in the venv of --environment',
    ),
    group: 'What:',
  },
  requirements: {
    ...flag('with --install: also install requirements.txt or pyproject.toml of the directory'),
    group: 'What:',
  },
} as const;

/** Returns what --install requests. @throws UsageError when it cannot be installed, or --install is missing */
export function requestedInstall(
  { install, requirements }: { readonly install: boolean; readonly requirements: boolean },
  spec: Pick<ServerSpec, 'environment'>,
): InstallOrder | undefined {
  if (requirements && !install) throw new UsageError('--requirements has no effect without --install');
  return installOrder(spec, install && { requirements });
}

/** Returns a --timeout in milliseconds. @throws UsageError when it is out of range */
export function verifyTimeout(seconds: number): number {
  if (seconds >= 1 && seconds <= MAX_TIMEOUT_S) return seconds * 1000;
  throw invalidNumber('timeout', seconds, `a number of seconds from 1 to ${MAX_TIMEOUT_S}`);
}
