import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configureJupyter } from './configuration.ts';
import { keeperOf } from './keeper.ts';
import { signalQuietly } from './signal.ts';
import { writeProgram } from './stand-ins.ts';
import { eventually, type Running, type World } from './world.ts';

/** A phase of a start in which a real host, or the laptop's own tunnel, can be held. */
export interface Phase {
  readonly name: string;
  /** Prepares a world on which a start stays in this phase, and answers with arguments for the start. */
  prepare(world: World): readonly string[];
  /** Waits until the start has come so far. */
  reach(world: World, start: Running): Promise<void>;
  /** Lets all that is held go on. */
  letGo(world: World): void;
}

/** What is put on the host writes this file, to tell that it runs. */
export function flag(world: World): string {
  return join(world.home, 'reached');
}

export function hasFlag(world: World): Promise<void> {
  return eventually('the host is where it is to be held', () => existsSync(flag(world)));
}

/** Lines of sh that tell that they run, and then wait in a process of their own. */
function wait(world: World): string[] {
  const go = join(world.home, 'go');
  return [`: >'${flag(world)}'`, `sh -c "until [ -e '${go}' ]; do sleep 0.05; done"`];
}

function go(world: World): void {
  writeFileSync(join(world.home, 'go'), '');
}

/** A command that starts a real Jupyter, once it may. */
export function heldCommand(world: World): string {
  return writeProgram(join(world.home, 'held'), ...wait(world), 'exec jupyter notebook "$@"');
}

/** A real Jupyter that stops itself, as Ctrl-Z does, as soon as it can be found. */
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

/** There may be no keeper yet. */
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
      // The system still takes connections for it, and nobody says a word there.
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
      // A keeper that is stopped sets up no forward.
      process.kill(keeperOf(world.laptop).keeper?.pid ?? 0, 'SIGSTOP');
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
