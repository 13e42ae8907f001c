import { readFileSync } from 'node:fs';
import { stateFile } from '../system/paths.ts';

/**
 * The notebooks on record, for who asks only in passing, at each Tab perhaps: without the schema that `readRecords`
 * holds the file to. A file that cannot be understood has none, and stays where it is.
 */
export function startedNotebooks(env: NodeJS.ProcessEnv): { name: string; destination: string }[] {
  try {
    const { notebooks } = JSON.parse(readFileSync(stateFile(env), 'utf8'));
    return Object.entries(notebooks as Record<string, { notebook: { destination: unknown } }>).map(
      ([name, { notebook }]) => ({ name, destination: String(notebook.destination) }),
    );
  } catch {
    return [];
  }
}
