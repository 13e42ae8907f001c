import { after, afterEach, before } from 'node:test';
import { eventually } from '../world.ts';
import { type GridEngine, makeGridEngine } from './host.ts';

/** A host with Grid Engine for the tests of a suite, which exists while they run. After each of them, all jobs are ended. */
export function gridEnginePerSuite(): GridEngine {
  const host = {} as GridEngine;
  before(async () => void Object.assign(host, await makeGridEngine()));
  after(() => host.remove());
  afterEach(async () => {
    host.on(`qdel -f -u ${host.user.name},${host.stranger.name} || :`);
    await untilNoJob(host);
  });
  return host;
}

/** The IDs of all jobs. */
export function jobsOn(host: GridEngine): string[] {
  const lines = host.on("qstat -u '*'").match(/^ *\d+/gm) ?? [];
  return lines.map((id) => id.trim());
}

export function untilNoJob(host: GridEngine): Promise<void> {
  return eventually('no job is left', () => jobsOn(host).length === 0);
}
