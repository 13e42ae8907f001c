import * as v from 'valibot';
import { Failure } from '../system/errors.ts';

/** Text without control characters: it goes into lines, headers and terminals. */
const line = v.pipe(v.string(), v.regex(/^\P{Cc}*$/u));

/** The values of Jupyter's `ip` that include the loopback address. */
const ON_LOOPBACK = ['', '*', '0.0.0.0', 'localhost', '127.0.0.1'];

/** The address for a client on the host. A server on `::` may accept no IPv4. */
function hostOf(ip: string): string | undefined {
  if (ON_LOOPBACK.includes(ip)) return undefined;
  return ip === '::' ? '[::1]' : ip.includes(':') ? `[${ip}]` : ip;
}

/**
 * Jupyter's runtime file: nbserver-PID.json of notebook 6, or jpserver-PID.json of jupyter_server, JupyterLab and
 * notebook 7. The one of notebook 6 has notebook_dir and no version.
 */
const RuntimeFile = v.pipe(
  v.object({
    pid: v.pipe(v.number(), v.integer(), v.minValue(2)),
    /** 0 when the server listens on a socket. */
    port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535)),
    token: line,
    base_url: v.optional(line, '/'),
    /** Whether it uses https. */
    secure: v.optional(v.boolean(), false),
    sock: v.optional(v.pipe(line, v.regex(/^(\/|$)/)), ''),
    version: v.optional(line),
    hostname: v.optional(v.pipe(v.string(), v.regex(/^[\w.:*-]*$/)), ''),
    /** Whether a password is accepted instead of the token. */
    password: v.optional(v.boolean(), false),
    root_dir: v.optional(v.string()),
    notebook_dir: v.optional(v.string()),
  }),
  v.check(({ port, sock }) => port !== 0 || sock !== ''),
  v.transform(({ base_url, sock, hostname, root_dir, notebook_dir, version, ...same }) => ({
    ...same,
    /** Unknown of notebook 6. */
    version,
    /** The absolute path of its Unix socket, if it listens on one. */
    socket: sock || undefined,
    /** Begins and ends with a slash. */
    baseUrl: `/${base_url}/`.replace(/\/+/g, '/'),
    /** The address that it listens on, if not the host's loopback address: a name, or an IP address as in a URL. */
    host: hostOf(hostname),
    /** The directory that it serves, as it names it; any text. */
    directory: root_dir ?? notebook_dir,
  })),
);

export type RuntimeInfo = Readonly<v.InferOutput<typeof RuntimeFile>>;

/** @throws Failure when the text is not valid */
export function parseRuntimeFile(text: string): RuntimeInfo {
  try {
    return v.parse(RuntimeFile, JSON.parse(text));
  } catch {
    // Without the cause, which would quote the file including its token.
    throw new Failure('the runtime file that Jupyter wrote on the host has an unknown format', {
      remedy: 'Please report this, with the version of Jupyter.',
    });
  }
}

/**
 * The page for the user, at the local end of the tunnel, without the token: the server's top page, which redirects to its
 * `default_url`, the user's own or that of its interface.
 */
export function pageUrl(localPort: number, server: { baseUrl: string; secure: boolean }): string {
  return `${server.secure ? 'https' : 'http'}://127.0.0.1:${localPort}${server.baseUrl}`;
}

/** The page of the interface that this command names, below the base URL; empty if it names none. */
export function interfacePage(command: string): 'lab' | 'tree' | '' {
  const [, ui] = /\bjupyter[- ]?(lab|notebook)\b/.exec(command) ?? [];
  return ui === 'lab' ? 'lab' : ui === 'notebook' ? 'tree' : '';
}

export function withToken(url: string, token: string): string {
  return token === '' ? url : `${url}?token=${encodeURIComponent(token)}`;
}

/** Removes the tokens from a line of Jupyter's log. */
export function redactTokens(line: string): string {
  return line.replace(/(token=)[^\s&"'<>]+/g, '$1…');
}
