import { readFileSync } from 'node:fs';
import { stateFile } from '../system/paths.ts';

/**
 * The servers on record, for who asks only in passing, at each Tab perhaps: without the schema that `readRecords`
 * holds the file to. A file that cannot be understood has none, and stays where it is.
 */
export function startedServers(env: NodeJS.ProcessEnv): { name: string; destination: string }[] {
  try {
    const { servers, article } = JSON.parse(readFileSync(stateFile(env), 'utf8'));
    const all: Record<string, { spec: { destination: unknown } }> = { ...servers, ...article };
    return Object.entries(all).map(([name, { spec }]) => ({ name, destination: String(spec.destination) }));
  } catch {
    return [];
  }
}
