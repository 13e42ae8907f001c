import type { KernelEvents } from '../jupyter/deaths.ts';
import type { Connection } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { secondsOf } from '../system/process.ts';
import { type Frame, lastValue, valuesOf } from './protocol.ts';
import { framesWithin } from './run-script.ts';

/** Timeout for the script. Without its answer, nothing is known about deaths of kernels. */
const TIMEOUT_MS = 3000;

/** Asks a host for what it knows about kernels, by the folders of the records of their servers. */
export async function askKernelEvents(
  connection: Connection,
  folders: readonly string[],
  context: Context,
): Promise<(folder: string) => KernelEvents | undefined> {
  const script = { name: 'kernels', variables: { folders: folders.join('\n') } } as const;
  const frames = await framesWithin(connection, script, TIMEOUT_MS, context);
  return (folder) => eventsIn(frames, folder);
}

/** The frames of kernels.sh about one server, which end with its folder. */
function eventsIn(frames: readonly Frame[], folder: string): KernelEvents | undefined {
  const end = frames.findIndex(({ key, value }) => key === 'folder' && value === folder);
  if (end < 0) return undefined;
  const begin = frames.slice(0, end).findLastIndex(({ key }) => key === 'folder') + 1;
  const own = frames.slice(begin, end);
  return {
    clock: lastValue(frames, 'clock') ?? '',
    running: valuesOf(own, 'kernel_process').map((value) => {
      const [id = '', up = ''] = value.split(/ +/);
      return { id, upSeconds: secondsOf(up) };
    }),
    log: valuesOf(own, 'event'),
    // That log is the host's, and a job is on another machine.
    kills: lastValue(own, 'job') === undefined ? valuesOf(frames, 'killed') : [],
    oomKills: Number(lastValue(own, 'oom')) || 0,
  };
}
