import { registryVenv, withVenv } from './registry-venv.ts';
import type { WorldOptions } from './world.ts';

/** A JupyterLab that runs cells on the server, as docs/how-to/long-work.md installs it. */

const venv = registryVenv('nbmodel', ['jupyterlab', 'jupyter-server-nbmodel[lab]']);

/** For a test's `skip`: why this machine cannot install it. */
export const NO_NBMODEL = venv.missing;

/** For a host whose PATH begins with `jupyter` of this JupyterLab. */
export function withNbmodel(): WorldOptions {
  return withVenv(venv);
}
