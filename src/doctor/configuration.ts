import { type Check, ok, warning } from './check.ts';

const APPLICATIONS = ['ServerApp', 'NotebookApp', 'LabApp', 'JupyterNotebookApp', 'PasswordIdentityProvider'];

/** What a configuration may say that differs from what people expect, and what becomes of it in a start. */
const SURPRISES: Readonly<Record<string, (value: unknown) => string | false>> = {
  password: (value) => given(value) && 'sets a password: a start gives a token beside it',
  hashed_password: (value) => given(value) && 'sets a password: a start gives a token beside it',
  base_url: (value) => given(value) && value !== '/' && `moves all pages to ${value}`,
  ip: (value) =>
    given(value) &&
    !isLoopback(value) &&
    `opens servers to the network (ip ${value}): a start keeps to loopback`,
  port: (value) => given(value) && `names port ${value}: a start uses --port`,
  certfile: (value) => given(value) && 'sets a certificate: pages are https, and a browser warns of it',
  notebook_dir: (value) => given(value) && `names the directory ${value}: a start uses --directory`,
  root_dir: (value) => given(value) && `names the directory ${value}: a start uses --directory`,
};

function given(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && value !== 0;
}

function isLoopback(value: unknown): boolean {
  return value === 'localhost' || value === '127.0.0.1' || value === '::1';
}

/**
 * Reads what Jupyter itself says of its configuration, by --show-config-json. No value that is secret is repeated.
 * @param unread the files that it could not read, and goes on without
 * @param unasked the command of the user's own that was not asked
 */
export function checkConfiguration(
  json: string | undefined,
  unread: readonly string[],
  unasked: string | undefined,
): Check {
  const name = 'configuration';
  if (unasked !== undefined) return ok(name, `not asked: ${unasked} may start something`);
  let all: Record<string, Record<string, unknown> | undefined> | null;
  try {
    all = JSON.parse(json ?? '');
  } catch {
    return warning(
      name,
      'Jupyter does not say what it is configured to be',
      'See its own words on the host: jupyter --show-config (a file of ~/.jupyter may be broken)',
    );
  }
  if (unread.length > 0)
    return warning(
      name,
      `Jupyter cannot read its ${[...new Set(unread)].join(' and ')}, and goes on without it`,
      'Mend it on the host. Jupyter says what is wrong with it: jupyter notebook --show-config',
    );
  const found = APPLICATIONS.flatMap((application) =>
    Object.entries(all?.[application] ?? {}).map(
      ([key, value]) => Object.hasOwn(SURPRISES, key) && SURPRISES[key]?.(value),
    ),
  );
  const surprises = [...new Set(found.filter((text) => Boolean(text)))];
  if (surprises.length === 0) return ok(name, 'no surprises');
  return warning(
    name,
    `jupyter's own configuration ${surprises.join('; it ')}`,
    'Nothing needs to be done. To change it: ~/.jupyter on the host, or the folders that "jupyter --paths" names there.',
  );
}
