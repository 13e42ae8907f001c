import { delimiter } from 'node:path';
import { makeFolder } from './standing.ts';

/** Importing this gives the process, and those that it starts, the environment of a machine that nobody has configured. */

/** The tester's environment: for programs that need a package registry or a cache. */
export const TESTERS: Readonly<NodeJS.ProcessEnv> = { ...process.env };

for (const name of Object.keys(process.env))
  if (!/^(NODE_.*|NO_SKIPS|PATH|USER|LOGNAME|TMPDIR|REMOTE_NOTEBOOK_TEST)$/.test(name))
    delete process.env[name];
process.env.LANG = 'C.UTF-8';
process.env.HOME = makeFolder('tester-');
// The system's own programs come first, above all the Python that runs its Jupyter.
const isSystem = (folder: string) => /^(\/usr(\/local)?)?\/s?bin$/.test(folder);
const folders = (process.env.PATH ?? '').split(delimiter);
process.env.PATH = [...folders.filter(isSystem), ...folders.filter((folder) => !isSystem(folder))].join(
  delimiter,
);
process.umask(0o022);

/** What remains of the environment, without the variables of the test runner. */
export const CLEAN: Readonly<NodeJS.ProcessEnv> = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(NODE_.*|NO_SKIPS)$/.test(name)),
);
