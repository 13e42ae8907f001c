import type { Gpu, HostResources } from '../model/resources.ts';
import type { ServerStatus } from '../model/status.ts';

/** For each host: its load and memory, its GPUs, and the disks of its servers. */
export function resourceLines(servers: readonly ServerStatus[]): string[] {
  const hosts = [...new Set(servers.map(({ destination }) => destination))];
  return hosts.flatMap((host) => hostLines(host, servers));
}

function hostLines(host: string, servers: readonly ServerStatus[]): string[] {
  const reports = servers.flatMap(({ destination, resources, directory }) =>
    destination === host && resources ? [{ resources, directory }] : [],
  );
  const [first] = reports;
  if (!first) return [`${host}: not connected, so its resources are unknown`];
  const { gpus, gpuReason } = first.resources;
  const disks = reports.flatMap(({ resources: { disk }, directory }) =>
    disk ? [`  ${directory || '~'}: ${share(disk.freeBytes, disk.totalBytes)} of disk free`] : [],
  );
  return [
    `${host}: ${machineText(first.resources)}`,
    ...gpus.map((gpu) => `  ${gpuText(gpu)}`),
    ...(gpuReason === null ? [] : [`  nvidia-smi: ${gpuReason}`]),
    ...new Set(disks),
  ];
}

function machineText({ load, cpus, memory }: HostResources): string {
  const parts = [
    load && `load ${load.join(' ')}${cpus === null ? '' : ` on ${cpus} CPUs`}`,
    memory && `${share(memory.availableBytes, memory.totalBytes)} of memory free`,
  ];
  return parts.filter(Boolean).join(', ') || 'does not report its resources';
}

function gpuText({ name, utilizationPercent, memoryUsedBytes, memoryTotalBytes }: Gpu): string {
  const parts = [
    utilizationPercent !== null && `${utilizationPercent} % busy`,
    memoryUsedBytes !== null &&
      memoryTotalBytes !== null &&
      `${share(memoryUsedBytes, memoryTotalBytes)} of its memory used`,
  ];
  return `${name}: ${parts.filter(Boolean).join(', ') || 'does not report its load'}`;
}

function share(part: number, whole: number): string {
  const gib = (bytes: number) => (bytes / 1024 ** 3).toFixed(1);
  return `${gib(part)} of ${gib(whole)} GiB`;
}
