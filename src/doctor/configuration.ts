import { oneLine } from '../system/one-line.ts';
import { type Check, ok, warning } from './check.ts';

const APPLICATIONS = ['ServerApp', 'NotebookApp', 'LabApp', 'JupyterNotebookApp', 'PasswordIdentityProvider'];

const password = () => 'sets a password: start adds a token';

/** Settings of Jupyter that may surprise, and that the arguments of a start do not override. */
const SURPRISES: Readonly<Record<string, (value: unknown) => string | false>> = {
  password,
  hashed_password: password,
  base_url: (value) => value !== '/' && `moves all pages to ${value}`,
  certfile: () => 'sets a certificate: pages use https, and browsers show a warning',
};

/**
 * Checks the output of Jupyter's own --show-config-json. The result contains no secret.
 * @param unread the configuration files that Jupyter could not read and ignores
 * @param unasked the user's own command, which was not run to print its configuration
 */
export function checkConfiguration(
  json: string | undefined,
  unread: readonly string[],
  unasked: string | undefined,
): Check {
  const name = 'configuration';
  if (unasked !== undefined) return ok(name, `not checked: running ${unasked} might start something`);
  let all: Record<string, Record<string, unknown> | undefined> | null;
  try {
    all = JSON.parse(json ?? '');
  } catch {
    return warning(
      name,
      'Jupyter does not print its configuration',
      'Look at its output on the host: jupyter --show-config (a file in ~/.jupyter may be broken)',
    );
  }
  if (unread.length > 0)
    return warning(
      name,
      `Jupyter cannot read its ${[...new Set(unread)].join(' and ')}, and ignores it`,
      'Fix the file on the host. Jupyter prints what is wrong with it: jupyter notebook --show-config',
    );
  const settings = APPLICATIONS.flatMap((application) => Object.entries(all?.[application] ?? {}));
  const found = settings
    .flatMap(([key, value]) => {
      const isSet = value !== undefined && value !== null && value !== '' && value !== 0;
      return (isSet && Object.hasOwn(SURPRISES, key) && SURPRISES[key]?.(value)) || [];
    })
    .map(oneLine);
  if (found.length === 0) return ok(name, 'no setting that affects a start');
  return warning(
    name,
    `Jupyter's own configuration ${[...new Set(found)].join('; it ')}`,
    'This needs no action. To change it, edit ~/.jupyter on the host, or the folders that "jupyter --paths" prints there.',
  );
}
