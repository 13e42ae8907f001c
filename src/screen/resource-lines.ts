import type { Gpu, HostResources } from '../model/resources.ts';
import type { ServerStatus } from '../model/status.ts';

/** For each host how much of it is in use, and below it its GPUs, and the disks that its servers are on. */
export function resourceLines(servers: readonly ServerStatus[]): string[] {
  const hosts = [...new Set(servers.map(({ destination }) => destination))];
  return hosts.flatMap((host) =>
    hostLines(
      host,
      servers.filter(({ destination }) => destination === host),
    ),
  );
}

function hostLines(host: string, servers: readonly ServerStatus[]): string[] {
  const told = servers.flatMap(({ resources, directory }) => (resources ? [{ resources, directory }] : []));
  const [first] = told;
  if (!first) return [`${host}: no connection over which to ask what it has left`];
  const { gpus, gpuReason } = first.resources;
  const disks = told.flatMap(({ resources: { disk }, directory }) =>
    disk ? [`  ${directory || '~'}: ${share(disk.freeBytes, disk.totalBytes)} of disk free`] : [],
  );
  return [
    `${host}: ${machineWords(first.resources)}`,
    ...gpus.map((gpu) => `  ${gpuWords(gpu)}`),
    ...(gpuReason === null ? [] : [`  nvidia-smi: ${gpuReason}`]),
    ...new Set(disks),
  ];
}

function machineWords({ load, cpus, memory }: HostResources): string {
  const words = [
    load && `load ${load.join(' ')}${cpus === null ? '' : ` on ${cpus} CPUs`}`,
    memory && `${share(memory.availableBytes, memory.totalBytes)} of memory free`,
  ];
  return words.filter(Boolean).join(', ') || 'does not tell what it has left';
}

function gpuWords({ name, utilizationPercent, memoryUsedBytes, memoryTotalBytes }: Gpu): string {
  const words = [
    utilizationPercent !== null && `${utilizationPercent} % busy`,
    memoryUsedBytes !== null &&
      memoryTotalBytes !== null &&
      `${share(memoryUsedBytes, memoryTotalBytes)} of its memory used`,
  ];
  return `${name}: ${words.filter(Boolean).join(', ') || 'does not tell how busy it is'}`;
}

const GIB = 1024 ** 3;

function share(part: number, whole: number): string {
  return `${(part / GIB).toFixed(1)} of ${(whole / GIB).toFixed(1)} GiB`;
}
