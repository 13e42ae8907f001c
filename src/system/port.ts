import { createServer } from 'node:net';
import { basename } from 'node:path';
import { outputOf } from './run.ts';

export const LOOPBACK = '127.0.0.1';

/** Whether this port of the loopback address is free now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The program that listens on this local port, as `name (PID 123)`, if it can be found. */
export async function portHolder(port: number): Promise<string | undefined> {
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
