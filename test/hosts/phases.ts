import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configureJupyter } from './configuration.ts';
import { keeperOf } from './keeper.ts';
import { signalQuietly } from './signal.ts';
import { writeProgram } from './stand-ins.ts';
import { eventually, type Running, type World } from './world.ts';

/** A phase of a start in which a real host or the laptop's tunnel can be paused. */
export interface Phase {
  readonly name: string;
  /** Prepares a world in which a start stays in this phase, and returns arguments for the start. */
  prepare(world: World): readonly string[];
  /** Waits until the start has reached the phase. */
  reach(world: World, start: Running): Promise<void>;
  /** Continues everything that is paused. */
  letGo(world: World): void;
}

/** The programs that are placed on the host create this file when they run. */
export function flag(world: World): string {
  return join(world.home, 'reached');
}

export function hasFlag(world: World): Promise<void> {
  return eventually('the host is where it is to be held', () => existsSync(flag(world)));
}

/** Lines of sh that report that they run, and then wait in a separate process. */
function wait(world: World): string[] {
  const go = join(world.home, 'go');
  return [`: >'${flag(world)}'`, `sh -c "until [ -e '${go}' ]; do sleep 0.05; done"`];
}

function go(world: World): void {
  writeFileSync(join(world.home, 'go'), '');
}

/** A command that starts a real Jupyter when it is allowed to. */
export function heldCommand(world: World): string {
  return writeProgram(join(world.home, 'held'), ...wait(world), 'exec jupyter notebook "$@"');
}

/** A real Jupyter that stops itself, as by Ctrl-Z, as soon as its runtime file exists. */
const STOPS_ITSELF = `import os, signal
try:
    from notebook.notebookapp import NotebookApp as App
except ImportError:
    from jupyter_server.serverapp import ServerApp as App
write = App.write_server_info_file
def write_and_stop(self):
    write(self)
    os.kill(os.getpid(), signal.SIGSTOP)
App.write_server_info_file = write_and_stop
`;

function letAllGoOn(world: World): void {
  for (const pid of world.processes()) signalQuietly(pid, 'SIGCONT');
}

/** The keeper may not exist yet. */
function isConnecting({ laptop }: World): boolean {
  try {
    return keeperOf(laptop).phase === 'connecting';
  } catch {
    return false;
  }
}

export const PHASES: readonly Phase[] = [
  {
    name: 'connect',
    prepare: (world) => {
      // The system still accepts its connections, but nobody answers them.
      process.kill(world.sshd.pid(), 'SIGSTOP');
      return [];
    },
    reach: (world) => eventually('ssh connects', () => isConnecting(world)),
    letGo: (world) => signalQuietly(world.sshd.pid(), 'SIGCONT'),
  },
  {
    name: 'environment',
    prepare: (world) => {
      mkdirSync(join(world.home, 'venv', 'bin'), { recursive: true });
      writeFileSync(join(world.home, 'venv', 'bin', 'activate'), [...wait(world), ''].join('\n'));
      return ['--environment', 'venv'];
    },
    reach: hasFlag,
    letGo: go,
  },
  {
    name: 'jupyter',
    prepare: (world) => ['--command', heldCommand(world)],
    reach: hasFlag,
    letGo: go,
  },
  {
    name: 'forward',
    prepare: (world) => ['--command', heldCommand(world)],
    reach: async (world, start) => {
      await hasFlag(world);
      // A stopped keeper sets up no forward.
      signalQuietly(keeperOf(world.laptop).keeper?.pid ?? 0, 'SIGSTOP');
      go(world);
      await start.saw('✓ jupyter');
    },
    letGo: letAllGoOn,
  },
  {
    name: 'prove',
    prepare: (world) => {
      configureJupyter(world.home, STOPS_ITSELF);
      return [];
    },
    reach: (_, start) => start.saw('✓ forward'),
    letGo: letAllGoOn,
  },
];
