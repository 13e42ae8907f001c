import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A venv over the system's packages, with a jupyter of its own as pip writes it, unless `jupyter` is false. */
export function makeVenv(path: string, { jupyter = true } = {}): void {
  execFileSync('/usr/bin/python3', ['-m', 'venv', '--system-site-packages', '--without-pip', path]);
  if (jupyter) writeJupyter(join(path, 'bin'), join(path, 'bin', 'python'));
}

/** The commands `jupyter` and `jupyter-notebook` in a folder, which run by this python. */
export function writeJupyter(folder: string, python: string): void {
  for (const name of ['jupyter', 'jupyter-notebook']) {
    const module = name === 'jupyter' ? 'jupyter_core.command' : 'notebook.notebookapp';
    // A shebang cannot hold a blank, so pip goes by way of sh where the path has one.
    const shebang = `#!/bin/sh\n'''exec' "${python}" "$0" "$@"\n' '''\n`;
    const text = `${shebang}import sys\nfrom ${module} import main\nsys.exit(main())\n`;
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  }
}
