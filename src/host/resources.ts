import type { Gpu, HostResources } from '../model/resources.ts';
import type { Connection } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { type Frame, lastValue, valuesOf } from './protocol.ts';
import { framesWithin } from './run-script.ts';

/** Timeout for the script. It ends its slow parts earlier, but a dead file system may block even that. */
const TIMEOUT_MS = 15_000;

const KIB = 1024;
const MIB = 1024 ** 2;

/** Asks a host for its resources, and returns them by directory. If the host fails, all of them are unknown. */
export async function askResources(
  connection: Connection,
  directories: readonly string[],
  context: Context,
): Promise<(directory: string) => HostResources> {
  const variables = { directories: [...new Set(directories)].join('\n') };
  const frames = await framesWithin(connection, { name: 'resources', variables }, TIMEOUT_MS, context);
  return (directory) => readResources(frames, directory);
}

/** The resources in the frames of resources.sh. */
export function readResources(frames: readonly Frame[], directory: string): HostResources {
  const [one = 0, five = 0, fifteen] = numbers(lastValue(frames, 'load'));
  const [total = 0, available] = numbers(lastValue(frames, 'memory'));
  const disks = valuesOf(frames, 'disk').map((line) => /^(\d+) (\d+) (.*)$/.exec(line));
  const [, size, free] = disks.find((disk) => disk?.[3] === directory) ?? [];
  const lines = valuesOf(frames, 'gpu');
  const gpus = lines.flatMap((line) => parseGpu(line) ?? []);
  return {
    cpus: numbers(lastValue(frames, 'cpus'))[0] ?? null,
    load: fifteen === undefined ? null : [one, five, fifteen],
    memory: available === undefined ? null : { totalBytes: total * KIB, availableBytes: available * KIB },
    disk: free === undefined ? null : { totalBytes: Number(size) * KIB, freeBytes: Number(free) * KIB },
    gpus,
    gpuReason: gpus.length > 0 ? null : (lines.find((line) => line.trim() !== '') ?? null),
  };
}

/** Reads `NAME, PERCENT, MIB, MIB`; a number that the driver does not know is [N/A] or [Not Supported]. */
function parseGpu(line: string): Gpu | undefined {
  const number = '(\\d+|\\[[^\\]]*\\])';
  const [, name, busy, used, total] = new RegExp(`^(.+), ${number}, ${number}, ${number}$`).exec(line) ?? [];
  if (name === undefined) return undefined;
  const [utilizationPercent = null] = numbers(busy);
  const bytes = (mebibytes: string | undefined) => {
    const [count] = numbers(mebibytes);
    return count === undefined ? null : count * MIB;
  };
  return { name, utilizationPercent, memoryUsedBytes: bytes(used), memoryTotalBytes: bytes(total) };
}

/** The numbers in a text; an empty list if anything else is in it. */
function numbers(text = ''): number[] {
  const words = text.trim().split(/\s+/);
  return words.every((word) => /^\d+(\.\d+)?$/.test(word)) ? words.map(Number) : [];
}
