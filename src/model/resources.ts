/** How much of a host is in use. What the host does not tell is null. */
export interface HostResources {
  readonly cpus: number | null;
  /** Processes that run or want to, on the average of the last 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number] | null;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number } | null;
  /** Of the file system that the server's directory is on. */
  readonly disk: { readonly totalBytes: number; readonly freeBytes: number } | null;
  /** Empty where there are none, or nvidia-smi does not see them. */
  readonly gpus: readonly Gpu[];
  /** What nvidia-smi said where it could not tell. */
  readonly gpuReason: string | null;
}

export interface Gpu {
  readonly name: string;
  /** How much of the last second or so it computed. */
  readonly utilizationPercent: number | null;
  readonly memoryUsedBytes: number | null;
  readonly memoryTotalBytes: number | null;
}
