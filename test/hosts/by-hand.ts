import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLEAN } from './clean.ts';
import { eventually, type World } from './world.ts';

/** A Jupyter server that a user has started on the test host without remote-notebook. */
export interface ByHand {
  readonly pid: number;
  readonly port: number;
  readonly token: string;
  /** Its runtime file. */
  readonly file: string;
  /** Its output so far. */
  log(): string;
}

/** @param kind the interface; the classic one writes nbserver-PID.json, the others jpserver-PID.json */
export async function startByHand(
  world: World,
  kind: 'notebook' | 'server',
  args: readonly string[],
  { cwd = world.home, env = {} }: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<ByHand> {
  const command = [kind, '--no-browser', ...(process.getuid?.() === 0 ? ['--allow-root'] : []), ...args];
  const child = spawn('jupyter', command, {
    cwd,
    env: {
      ...CLEAN,
      HOME: world.home,
      REMOTE_NOTEBOOK_TEST: world.laptop.env.REMOTE_NOTEBOOK_TEST,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      log += chunk;
    });
  const folder = env.JUPYTER_RUNTIME_DIR ?? join(world.home, '.local', 'share', 'jupyter', 'runtime');
  const file = join(folder, `${kind === 'notebook' ? 'nb' : 'jp'}server-${child.pid}.json`);
  await eventually('Jupyter has written its runtime file', () => {
    if (child.exitCode !== null) throw new Error(log);
    return existsSync(file) && readFileSync(file, 'utf8').endsWith('}');
  });
  const { port, token } = JSON.parse(readFileSync(file, 'utf8'));
  return { pid: child.pid ?? 0, port, token, file, log: () => log };
}
