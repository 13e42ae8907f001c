import { execFile, spawn } from 'node:child_process';
import { request } from 'node:http';
import { PROGRAM } from '../hosts/world.ts';

const [NODE = '', CLI = ''] = PROGRAM;
/** Rented machines and containers log in as root, for which Jupyter requires this option. */
export const ROOT_ARGS = process.getuid?.() === 0 ? ['--allow-root'] : [];

/** Timeout for anything that is measured. */
export const LIMIT_MS = 60_000;

/** Runs a command to its end. A failure ends the bench. */
export function finish(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { env, timeout: LIMIT_MS }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(' ')}: ${stderr}`));
      else resolve(stdout);
    });
  });
}

/** Runs remote-notebook to its end. */
export function own(env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> {
  return finish(NODE, [CLI, ...args], env);
}

/** Runs a command until its first process ends, even if that leaves others running. */
export function detached([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: 'ignore' });
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`)),
    );
  });
}

/** Whether a Jupyter answers on this port. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const query = request({ host: '127.0.0.1', port, path: '/api', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    query.once('error', () => resolve(false));
    query.end();
  });
}

/** Maximum number of requests that wait for an answer: a tunnel that holds them back would pass on all of them at once. */
const MAX_WAITING = 8;

/** Milliseconds until a Jupyter answers on this port. Requests are sent at intervals, so one that hangs delays no other. */
export function untilAnswer(port: number, everyMs = 5): Promise<number> {
  const begin = performance.now();
  let waiting = 0;
  return new Promise((resolve) => {
    const ask = async () => {
      if (waiting >= MAX_WAITING) return;
      waiting++;
      const isAnswered = await answers(port);
      waiting--;
      if (!isAnswered) return;
      clearInterval(timer);
      resolve(performance.now() - begin);
    };
    const timer = setInterval(ask, everyMs);
    void ask();
  });
}
