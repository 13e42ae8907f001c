// Builds dist/, which is published: the command, the library and its types, the sh scripts, the manual page.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OutputOptions, rolldown } from 'rolldown';
import { builtAt } from './built-at.ts';
import { licences } from './licences.ts';
import { manual } from './manual.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
// A command that runs during the build finds either the old files or the new ones.
const made = `${dist}-${process.pid}`;
process.on('exit', () => rmSync(made, { recursive: true, force: true }));

// Node starts CommonJS faster than modules. Late imports are files of their own, and what several commands share is one
// file instead of many small ones.
const command = await write('cli', {
  format: 'cjs',
  minify: true,
  // --verbose prints the class of an error.
  keepNames: true,
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
});
// Editors show the comments of its types.
const library = await write('index', {
  format: 'esm',
  comments: { jsdoc: false },
  chunkFileNames: '[name]-[hash].js',
});
chmodSync(join(made, 'cli.cjs'), 0o755);
// The assets are below dist/ where they are below src/: see system/installation.ts.
cpSync(join(root, 'src'), made, { recursive: true, filter: (path) => !/\.(ts|shellcheckrc)$/.test(path) });
writeTypes();
writeFileSync(join(made, 'LICENSES.txt'), licences([...command, ...library]));
writeFileSync(join(made, 'remote-notebook.1'), manual(builtAt));
rmSync(dist, { recursive: true, force: true });
renameSync(made, dist);

/** Bundles src/NAME.ts with its imports. Returns the bundled files. */
async function write(name: string, output: OutputOptions): Promise<string[]> {
  const bundle = await rolldown({
    cwd: root,
    input: { [name]: `src/${name}.ts` },
    platform: 'node',
    // Late imports of shared modules, and an unused feature of yargs, are not mistakes.
    checks: { ineffectiveDynamicImport: false, emptyImportMeta: false },
    // string-width, which yargs uses for help, takes as long to load as a bare Node.
    resolve: { alias: { 'string-width': 'fast-string-width' } },
  });
  await bundle.write({ dir: made, ...output });
  return bundle.watchFiles;
}

/** Writes the types of the library and of the modules that they import. */
function writeTypes(): void {
  const all = join(made, 'all-types');
  const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', '.'];
  const tsc = join(root, 'node_modules/.bin/tsc');
  execFileSync(tsc, ['-p', '.', ...options, '--outDir', all], { cwd: root, stdio: 'inherit' });
  const modules = new Set(['index']);
  // The loop also visits what is added meanwhile.
  for (const module of modules) {
    const text = readFileSync(join(all, 'src', `${module}.d.ts`), 'utf8');
    for (const [, path = ''] of text.matchAll(/from '(\.[^']+)\.ts'/g))
      modules.add(join(dirname(module), path));
    const file = join(made, 'types', `${module}.d.ts`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text.replace(/(from '\.[^']+)\.ts'/g, "$1.js'"));
  }
  rmSync(all, { recursive: true });
}
