import type { ServerSpec } from '../model/server-spec.ts';
import type { LauncherName } from '../model/setting-values.ts';
import { gridengine } from './gridengine.ts';
import type { Launcher } from './launcher.ts';
import { slurm } from './slurm.ts';

/** Each batch scheduler. A process of the host itself needs none. */
export const SCHEDULERS: Readonly<Record<Exclude<LauncherName, 'direct'>, Launcher>> = { slurm, gridengine };

/** The launcher of a server's job; undefined for a process of the host itself. */
export function launcherOf({ launcher }: Pick<ServerSpec, 'launcher'>): Launcher | undefined {
  return schedulerNamed(launcher);
}

/** The scheduler with a name, which may come from a file or a host. */
export function schedulerNamed(name: string): Launcher | undefined {
  return Object.hasOwn(SCHEDULERS, name) ? SCHEDULERS[name as keyof typeof SCHEDULERS] : undefined;
}
