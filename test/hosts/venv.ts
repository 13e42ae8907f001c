import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A venv with the system's packages, and with its own jupyter command and kernel as pip writes them, unless `jupyter` is
 * false.
 */
export function makeVenv(path: string, { jupyter = true } = {}): void {
  execFileSync('/usr/bin/python3', ['-m', 'venv', '--system-site-packages', '--without-pip', path]);
  if (!jupyter) return;
  writeJupyter(join(path, 'bin'), join(path, 'bin', 'python'));
  writeKernelspec(join(path, 'share', 'jupyter'), join(path, 'bin', 'python'));
}

/** Writes a kernelspec that runs this Python to a data folder of Jupyter. */
export function writeKernelspec(dataFolder: string, python: string, name = 'python3'): void {
  const folder = join(dataFolder, 'kernels', name);
  mkdirSync(folder, { recursive: true });
  const argv = [python, '-m', 'ipykernel_launcher', '-f', '{connection_file}'];
  const kernelspec = { argv, display_name: 'Python 3 (ipykernel)', language: 'python' };
  writeFileSync(join(folder, 'kernel.json'), JSON.stringify(kernelspec));
}

/** Writes the commands `jupyter` and `jupyter-notebook`, which run this python, to a folder. */
export function writeJupyter(folder: string, python: string): void {
  for (const name of ['jupyter', 'jupyter-notebook']) {
    const module = name === 'jupyter' ? 'jupyter_core.command' : 'notebook.notebookapp';
    // A shebang cannot contain a space, so for such paths pip writes a script of sh.
    const shebang = `#!/bin/sh\n'''exec' "${python}" "$0" "$@"\n' '''\n`;
    const text = `${shebang}import sys\nfrom ${module} import main\nsys.exit(main())\n`;
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  }
}
