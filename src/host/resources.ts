import type { Gpu, HostResources } from '../model/resources.ts';
import type { Connection } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { type Frame, lastValue, valuesOf } from './protocol.ts';
import { runScript } from './run-script.ts';

/** The host's script gives its slow parts less: a dead file system may hold even their end back. */
const TIMEOUT_MS = 15_000;

const KIB = 1024;
const MIB = 1024 ** 2;

/** Asks a host. Answers with what it has, by directory; a host that cannot answer tells nothing. */
export async function askResources(
  connection: Connection,
  directories: readonly string[],
  context: Context,
): Promise<(directory: string) => HostResources> {
  const frames: Frame[] = [];
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const variables = { directories: [...new Set(directories)].join('\n') };
  try {
    const script = { name: 'resources', variables } as const;
    await runScript(connection, script, { ...context, signal }, (frame) => frames.push(frame));
  } catch (error) {
    if (context.signal.aborted) throw new Interrupted();
    if (!(error instanceof Failure)) throw error;
  }
  return (directory) => readResources(frames, directory);
}

/** Reads the frames of resources.sh. */
export function readResources(frames: readonly Frame[], directory: string): HostResources {
  const [one, five, fifteen] = numbers(lastValue(frames, 'load'));
  const [totalKiB, availableKiB] = numbers(lastValue(frames, 'memory'));
  const disks = valuesOf(frames, 'disk').map((line) => /^(\d+) (\d+) (.*)$/.exec(line));
  const [, diskKiB, freeKiB] = disks.find((disk) => disk?.[3] === directory) ?? [];
  const lines = valuesOf(frames, 'gpu');
  const gpus = lines.flatMap((line) => parseGpu(line) ?? []);
  const words = lines.find((line) => line.trim() !== '');
  return {
    cpus: numbers(lastValue(frames, 'cpus'))[0] ?? null,
    load: one === undefined || five === undefined || fifteen === undefined ? null : [one, five, fifteen],
    memory:
      totalKiB === undefined || availableKiB === undefined
        ? null
        : { totalBytes: totalKiB * KIB, availableBytes: availableKiB * KIB },
    disk:
      diskKiB === undefined || freeKiB === undefined
        ? null
        : { totalBytes: Number(diskKiB) * KIB, freeBytes: Number(freeKiB) * KIB },
    gpus,
    gpuReason: gpus.length > 0 ? null : (words ?? null),
  };
}

/** `NAME, PERCENT, MIB, MIB`; a number that the driver does not tell is [N/A] or [Not Supported]. */
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

/** The numbers in a text of such words alone; none where any word is none. */
function numbers(text = ''): number[] {
  const words = text.trim().split(/\s+/);
  return words.every((word) => /^\d+(\.\d+)?$/.test(word)) ? words.map(Number) : [];
}
