import { delimiter } from 'node:path';
import { makeFolder } from './standing.ts';

/** Whoever imports this, and what it starts, is as on a machine on which nobody has set up anything. */

/** The environment of the tester: for what must reach a registry, or keeps something for the next time. */
export const TESTERS: Readonly<NodeJS.ProcessEnv> = { ...process.env };

for (const name of Object.keys(process.env))
  if (!/^(NODE_.*|NO_SKIPS|PATH|USER|LOGNAME|TMPDIR|REMOTE_NOTEBOOK_TEST)$/.test(name))
    delete process.env[name];
process.env.LANG = 'C.UTF-8';
process.env.HOME = makeFolder('tester-');
// The system's own programs come first: its Python above all, which its Jupyter runs on.
const isSystem = (folder: string) => /^(\/usr(\/local)?)?\/s?bin$/.test(folder);
const folders = (process.env.PATH ?? '').split(delimiter);
process.env.PATH = [...folders.filter(isSystem), ...folders.filter((folder) => !isSystem(folder))].join(
  delimiter,
);
process.umask(0o022);

/** What is left of it: nothing of the runner of the tests either. */
export const CLEAN: Readonly<NodeJS.ProcessEnv> = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(NODE_.*|NO_SKIPS)$/.test(name)),
);
