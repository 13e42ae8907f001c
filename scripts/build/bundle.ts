// Makes dist/, which is all that is published: the command, the library and its types, the sh scripts, the manual.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OutputOptions, rolldown } from 'rolldown';
import { licences } from './licences.ts';
import { manual } from './manual.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
// Made beside it, so that a command which runs from it meanwhile finds all of one or all of the other.
const made = `${dist}-${process.pid}`;
process.on('exit', () => rmSync(made, { recursive: true, force: true }));

// CommonJS, which Node starts sooner than modules. What is imported late is a file of its own, which a command that does
// not need it does not read; what many commands share is one file rather than a dozen small ones.
const command = await write('cli', {
  format: 'cjs',
  minify: true,
  // --verbose prints the class of an error.
  keepNames: true,
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
  codeSplitting: { groups: [{ name: 'shared', test: /\/src\/(?!system\/|version)/, minShareCount: 2 }] },
});
const library = await write('index', { format: 'esm', chunkFileNames: '[name]-[hash].js' });
chmodSync(join(made, 'cli.cjs'), 0o755);
copyAssets();
writeTypes();
writeFileSync(join(made, 'LICENSES.txt'), licences([...command, ...library]));
// https://reproducible-builds.org/docs/source-date-epoch/
const builtAt = new Date(Number(process.env.SOURCE_DATE_EPOCH) * 1000 || Date.now());
writeFileSync(join(made, 'remote-notebook.1'), manual(builtAt));
rmSync(dist, { recursive: true, force: true });
renameSync(made, dist);

/** Bundles src/NAME.ts and all that it imports. Returns the files that went into it. */
async function write(name: string, output: OutputOptions): Promise<string[]> {
  const bundle = await rolldown({
    cwd: root,
    input: { [name]: `src/${name}.ts` },
    platform: 'node',
    // Late imports of what is shared anyway; a form of yargs' configuration that nobody uses here.
    checks: { ineffectiveDynamicImport: false, emptyImportMeta: false },
    // yargs lays out its help by string-width, which compiles all emoji at import: as long as a bare Node takes to start.
    resolve: { alias: { 'string-width': 'fast-string-width' } },
  });
  await bundle.write({ dir: made, ...output });
  return bundle.watchFiles;
}

/** Each below dist/ where it is below src/: see system/asset.ts. */
function copyAssets(): void {
  for (const name of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!/\.(sh|bash|zsh|fish)$/.test(name)) continue;
    mkdirSync(dirname(join(made, name)), { recursive: true });
    copyFileSync(join(root, 'src', name), join(made, name));
  }
}

/** The types of the library, and of each module that they name. */
function writeTypes(): void {
  const all = join(made, 'all-types');
  const words = [
    '--noEmit',
    'false',
    '--declaration',
    '--emitDeclarationOnly',
    '--outDir',
    all,
    '--rootDir',
    '.',
  ];
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', '.', ...words], { cwd: root, stdio: 'inherit' });
  const modules = new Set(['index']);
  // A set goes on to what is added meanwhile.
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
