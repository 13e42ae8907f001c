/** How much of a host is in use. A value is null if the host does not report it. */
export interface HostResources {
  readonly cpus: number | null;
  /** Average number of running or waiting processes in the last 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number] | null;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number } | null;
  /** The file system of the server's directory. */
  readonly disk: { readonly totalBytes: number; readonly freeBytes: number } | null;
  /** Those that nvidia-smi finds. */
  readonly gpus: readonly Gpu[];
  /** The message of nvidia-smi, if it failed. */
  readonly gpuReason: string | null;
}

export interface Gpu {
  readonly name: string;
  /** Share of about the last second in which it was busy. */
  readonly utilizationPercent: number | null;
  readonly memoryUsedBytes: number | null;
  readonly memoryTotalBytes: number | null;
}
