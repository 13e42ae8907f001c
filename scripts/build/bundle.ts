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
import { build } from 'esbuild';
import { licences } from './licences.ts';
import { manual } from './manual.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
// Made beside it, so that a command which runs from it meanwhile finds all of one or all of the other.
const made = `${dist}-${process.pid}`;
process.on('exit', () => rmSync(made, { recursive: true, force: true }));

// What is imported late becomes a file of its own: a command that does not need it does not read it.
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { cli: 'src/cli.ts', index: 'src/index.ts' },
  outdir: made,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  charset: 'utf8',
  metafile: true,
  // yargs lays out its help by string-width, which compiles all emoji at import: as long as a bare Node takes to start.
  alias: { 'string-width': 'fast-string-width' },
  // Some dependencies are CommonJS: they know their own file, and call require for Node's own modules.
  define: { __filename: 'import.meta.filename' },
  banner: {
    js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);",
  },
});
chmodSync(join(made, 'cli.js'), 0o755);
copyAssets();
writeTypes();
writeFileSync(join(made, 'LICENSES.txt'), licences(root, Object.keys(metafile.inputs)));
// https://reproducible-builds.org/docs/source-date-epoch/
const builtAt = new Date(Number(process.env.SOURCE_DATE_EPOCH) * 1000 || Date.now());
writeFileSync(join(made, 'remote-notebook.1'), manual(builtAt));
rmSync(dist, { recursive: true, force: true });
renameSync(made, dist);

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
