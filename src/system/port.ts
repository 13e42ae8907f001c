import { createServer } from 'node:net';
import { basename } from 'node:path';
import { Failure, limitRemedy } from './errors.ts';
import { reason } from './files.ts';
import { outputOf } from './run.ts';

export const LOOPBACK = '127.0.0.1';

/**
 * Whether this port of an address of this machine is free now.
 * @param address as -L of ssh takes it: an IP address, in brackets for IPv6, or `*` for all
 * @throws Failure when no program of this user can listen there
 */
export async function isPortFree(port: number, address: string = LOOPBACK): Promise<boolean> {
  const error = await listenError(port, address);
  if (error?.code === 'EADDRINUSE') return false;
  if (error) throw notListening(port, address, error);
  return true;
}

function listenError(port: number, address: string): Promise<NodeJS.ErrnoException | undefined> {
  const host = address.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    const options = { port, exclusive: true, ...(host === '*' || host === '' ? {} : { host }) };
    server.listen(options, () => server.close(() => resolve(undefined)));
  });
}

/** bind(2) and listen(2) have these errors. */
function notListening(port: number, address: string, cause: NodeJS.ErrnoException): Failure {
  const remedies: Readonly<Record<string, string>> = {
    EACCES: 'Ports below 1024 are reserved for root: choose another local port.',
    EADDRNOTAVAIL: `No active network interface of this machine has the address ${address}.`,
    EAFNOSUPPORT: `This machine does not support addresses such as ${address}.`,
    ENOTFOUND: 'Use an IP address of this machine, or * for all.',
  };
  return new Failure(`cannot listen on local port ${port} of ${address}: ${cause.code ?? reason(cause)}`, {
    remedy: remedies[cause.code ?? ''] ?? limitRemedy(cause),
    cause,
  });
}

/** The message about a local port that cannot be had. @param holder the program that listens there, if that is known */
export async function portInUse(port: number, holder?: string): Promise<string> {
  const who = holder ?? (await portHolder(port));
  return `local port ${port} is already in use${who ? ` by ${who}` : ''}`;
}

/** The program that listens on this local port, as `name (PID 123)`, if it can be found. */
async function portHolder(port: number): Promise<string | undefined> {
  const socket = await outputOf(['ss', '-Hltnp', `sport = :${port}`]);
  const named = socket.match(/users:\(\("([^"]+)",pid=(\d+)/);
  if (named) return describe(named[1], named[2]);
  const files = await outputOf(['lsof', '-nP', '-Fpc', `-iTCP:${port}`, '-sTCP:LISTEN']);
  const fields = files.match(/^p(\d+)\nc(.+)$/m);
  return fields ? describe(fields[2], fields[1]) : undefined;
}

async function describe(name = '', pid = ''): Promise<string> {
  return `${wholeName(name, await outputOf(['ps', '-ww', '-o', 'args=', '-p', pid]))} (PID ${pid})`;
}

/** Linux truncates a process name after 15 letters, macOS after 16. */
const KEPT_LETTERS = 15;

/** The full name of a process, whose name in the process table may be cut, or `python`. */
function wholeName(name: string, args: string): string {
  const [, program] = /^\S*python[\d.]*\s+(?:-m\s+)?([^-\s]\S*)/i.exec(args) ?? [];
  if (program !== undefined) return basename(program);
  if (name.length < KEPT_LETTERS) return name;
  const words = args.split(/\s+/).map((word) => basename(word));
  return words.find((word) => word.startsWith(name)) ?? name;
}
