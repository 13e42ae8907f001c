import { execFile, spawn } from 'node:child_process';
import { request } from 'node:http';
import { PROGRAM } from '../hosts/world.ts';

const [NODE = '', CLI = ''] = PROGRAM;
/** Rented boxes and containers log in as root, where Jupyter wants to be asked twice. */
export const ROOT_ARGS = process.getuid?.() === 0 ? ['--allow-root'] : [];

/** What takes longer has failed. */
export const LIMIT_MS = 60_000;

/** Runs a command to its end; one that fails ends the bench. */
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

/** What ends when its first process does, whatever that leaves behind. */
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

/** Milliseconds until a Jupyter answers on this port, asked again and again; a question that hangs holds no other up. */
export function untilAnswer(port: number, everyMs = 5): Promise<number> {
  const begin = performance.now();
  return new Promise((resolve) => {
    const ask = async () => {
      if (!(await answers(port))) return;
      clearInterval(timer);
      resolve(performance.now() - begin);
    };
    const timer = setInterval(ask, everyMs);
    void ask();
  });
}
