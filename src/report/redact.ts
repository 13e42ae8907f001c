/** What is shown in place of a secret. */
const HIDDEN = '…';

/** A word in quotes, whose closing quote may be missing at the end of a line, or any other word. */
const VALUE = `(?:"[^"\\n]*(?:"|$)|'[^'\\n]*(?:'|$)|[^\\s,;&|"']+)`;
/** The name of a setting, an option or a variable whose value is a secret. */
const NAME =
  '[\\w.-]*(?:passw(?:or)?d|passphrase|passcode|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|cookie|xsrf|proxy[_-]auth)[\\w.-]*';

/** Patterns of secrets, in the order in which they are replaced. The groups of each are kept. */
const SECRETS: readonly RegExp[] = [
  // A private key, also one that is cut off.
  /(-----BEGIN [A-Z ]*PRIVATE KEY-----)(?:(?!-----END)[\s\S])*/g,
  // A command of an ssh_config, and how `ssh -v` prints it.
  /((?:ProxyCommand|KnownHostsCommand)["']?[ \t=]+|Executing (?:proxy )?command:[ \t]*)\S[^\n]*/gi,
  // The password in an address.
  /(\b[a-z][a-z\d+.-]*:\/\/[^\s/:@]*:)[^\s]*(?=@)/gi,
  // HTTP headers.
  /(\b(?:proxy-)?authorization["']?\s*[:=]\s*|\b(?:set-)?cookie["']?:[ \t]*)\S[^\n]*/gi,
  /(\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}/gi,
  // Settings: token = 'x', "token": "x", ?token=x. After a colon a value without quotes may have spaces.
  new RegExp(`(${NAME}["']?[ \\t]*(?:=>|:?=)[ \\t]*)${VALUE}`, 'gim'),
  new RegExp(`(${NAME}["']?:[ \\t]*)(?:"[^"\\n]*(?:"|$)|'[^'\\n]*(?:'|$)|[^\\s"'…][^\\n]*)`, 'gim'),
  // Options whose value is the next word.
  new RegExp(`(--?${NAME}[ \\t]+)${VALUE}`, 'gim'),
  new RegExp(`(\\bsshpass\\b[^\\n]*?-p[ \\t]*)${VALUE}`, 'gim'),
  // Variables of the environment: assigned by a shell, printed by ssh -v, or by doctor.
  new RegExp(`(\\b[A-Z][A-Z\\d_]+=)${VALUE}`, 'gm'),
  new RegExp(`(\\b(?:export|declare -x|env|set -gx|setenv)[ \\t]+\\w+[ \\t=]+)${VALUE}`, 'gm'),
  /(\b(?:setting|sending) env \w+ = )[^\n]*/gi,
  /(\$[A-Z][A-Z\d_]* is )\S[^\n]*/g,
  // Tokens of well-known services, hashes of passwords, and random letters in general: Jupyter's tokens are hexadecimal.
  /\b(?:hf|gh[a-z]|github_pat|glpat|sk|pk|xox[a-z]|npm)[_-][\w-]{10,}/g,
  /\bA[A-Z]IA[A-Z\d]{12,}/g,
  /\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g,
  /\b(?:argon2\w*:|sha\d+:[\da-f]+:|\$\w+\$)\S+/g,
  /\b[\da-f]{32,}\b/gi,
  /(?<!SHA256:)(?<![\w+/])(?=[\w+]*\d)(?=[\w+]*[a-z])(?=[\w+]*[A-Z])[\w+]{40,}=*/g,
];

/**
 * Replaces the secrets in a text: those that are known, and what looks like one. In doubt, it hides the text.
 * @param known secrets of this machine, such as the tokens of its servers
 */
export function redact(text: string, known: readonly string[] = []): string {
  const longFirst = known.filter(Boolean).toSorted((one, other) => other.length - one.length);
  const unknown = longFirst.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  return SECRETS.reduce(
    (rest, pattern) =>
      rest.replace(pattern, (_, kept: unknown) => `${typeof kept === 'string' ? kept : ''}${HIDDEN}`),
    unknown,
  );
}

/** Commands that are shown with their arguments, if these have no special characters. */
const HARMLESS = /^(?:module|ml|source|\.|cd|umask|ulimit|conda|micromamba)(?: +[\w./~+:@-]+)+$/;

/** A setup command without values: only the program, and the names of the variables that it sets. */
export function shownSetup(line: string): string {
  if (HARMLESS.test(line)) return line;
  const [program = ''] = line.trim().split(/\s+/);
  const names = [...line.matchAll(/(?:^|[\s;&|])([A-Za-z_]\w*)=/g)].map(([, name]) => `${name}=${HIDDEN}`);
  return [
    ...(program.includes('=') ? [] : [program]),
    ...names,
    ...(names.length === 0 ? [HIDDEN] : []),
  ].join(' ');
}

/** The secrets in a setup command: the values that it assigns, and all of it. */
export function secretsInSetup(line: string): string[] {
  if (HARMLESS.test(line)) return [];
  const values = [...line.matchAll(new RegExp(`\\w=(${VALUE})`, 'gm'))].flatMap(([, value = '']) => [
    value,
    value.replace(/^["']|["']$/g, ''),
  ]);
  // A shorter one would hide parts of other words.
  return [line, ...values].filter((value) => value.length >= 4);
}
