import * as v from 'valibot';
import { Failure } from '../system/errors.ts';

/** Of its text nothing may break out of the line, the header or the terminal where it is used later. */
const line = v.pipe(v.string(), v.regex(/^\P{Cc}*$/u));

/**
 * What Jupyter's runtime file says of a server: nbserver-PID.json of notebook 6 or jpserver-PID.json of
 * jupyter_server, JupyterLab and notebook 7. The classic one has notebook_dir and no version.
 */
const RuntimeFile = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(2)),
  port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535)),
  token: line,
  base_url: v.optional(line, '/'),
  secure: v.optional(v.boolean(), false),
  sock: v.optional(v.pipe(line, v.regex(/^(\/|$)/)), ''),
  version: v.optional(line),
  hostname: v.optional(v.pipe(v.string(), v.regex(/^[\w.:*-]*$/)), ''),
  password: v.optional(v.boolean(), false),
  root_dir: v.optional(v.string()),
  notebook_dir: v.optional(v.string()),
});

export interface RuntimeInfo {
  readonly pid: number;
  /** 0 when the server listens on a socket. */
  readonly port: number;
  /** The absolute path of its Unix socket, if it listens on one. */
  readonly socket: string | undefined;
  readonly token: string;
  /** Begins and ends with a slash. */
  readonly baseUrl: string;
  /** Whether it speaks https. */
  readonly secure: boolean;
  /** Unknown of a classic notebook, which tells it only by its API. */
  readonly version: string | undefined;
  /** Where it listens, if not on its host's own loopback address too: a name, or an IP address as a URL has it. */
  readonly host: string | undefined;
  /** Whether a password lets in who has no token. */
  readonly password: boolean;
  /** What it serves, as it names it; any text. */
  readonly directory: string | undefined;
}

/** Names of all addresses of a machine, or of the loopback one. */
const ON_LOOPBACK = ['', '*', '0.0.0.0', 'localhost', '127.0.0.1'];

/** The address that a server's `ip` means to a client on its host. One that is `::` takes no IPv4. */
function hostOf(ip: string): string | undefined {
  if (ON_LOOPBACK.includes(ip)) return undefined;
  return ip === '::' ? '[::1]' : ip.includes(':') ? `[${ip}]` : ip;
}

/** @throws Failure when the text is not what a Jupyter writes. */
export function parseRuntimeFile(text: string): RuntimeInfo {
  try {
    const file = v.parse(RuntimeFile, JSON.parse(text));
    return {
      pid: file.pid,
      port: file.port,
      socket: file.sock || undefined,
      token: file.token,
      baseUrl: `/${file.base_url}/`.replace(/\/+/g, '/'),
      secure: file.secure,
      version: file.version,
      host: hostOf(file.hostname),
      password: file.password,
      directory: file.root_dir ?? file.notebook_dir,
    };
  } catch {
    // Without its cause, which would quote the file, and its token with it.
    throw new Failure(
      'the runtime file that Jupyter wrote on the host is not as any known version writes it',
      {
        remedy: 'Please report this, with the version of Jupyter.',
      },
    );
  }
}

/**
 * The page that the user sees, at this machine's end of the tunnel, without the token. A server whose command tells no
 * interface leads on to its own page from the top: a bare jupyter_server has neither of the two.
 */
export function pageUrl(
  localPort: number,
  server: { baseUrl: string; secure: boolean; command: string },
): string {
  const [, word] = /\bjupyter[- ]?(lab|notebook)\b/.exec(server.command) ?? [];
  const page = word === 'lab' ? 'lab' : word === 'notebook' ? 'tree' : '';
  return `${server.secure ? 'https' : 'http'}://127.0.0.1:${localPort}${server.baseUrl}${page}`;
}

export function withToken(url: string, token: string): string {
  return token === '' ? url : `${url}?token=${encodeURIComponent(token)}`;
}

/** A line of Jupyter's log without the tokens in it. */
export function redactTokens(line: string): string {
  return line.replace(/(token=)[^\s&"'<>]+/g, '$1…');
}
