// Makes dist/: the command as CommonJS, which Node starts sooner than modules, and the sh scripts.
import { chmodSync, copyFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { manual } from './manual.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
// Made beside it, so that a command which runs from it meanwhile finds all of one or all of the other.
const made = `${dist}-${process.pid}`;

/** What is imported late stays a file of its own: a command that does not need it does not read it. */
const LATE: Readonly<Record<string, string>> = {
  './main.ts': 'main',
  yargs: 'yargs',
  yaml: 'yaml',
  'zx/core': 'zx',
  open: 'open',
  'tree-kill': 'tree-kill',
  'proper-lockfile': 'proper-lockfile',
  'write-file-atomic': 'write-file-atomic',
};

/** Leads the late imports to their files. */
const late: Plugin = {
  name: 'late',
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ path, kind }) =>
      kind === 'dynamic-import' && Object.hasOwn(LATE, path)
        ? { path: `./${LATE[path]}.cjs`, external: true }
        : undefined,
    );
  },
};

/** yargs compares two things by node:assert, which reads a dozen of Node's other parts for it. */
const lightYargs = {
  name: 'light-yargs',
  setup({ onResolve }) {
    onResolve({ filter: /^assert$/ }, ({ importer }) =>
      importer.includes('/yargs/') ? { path: join(root, 'scripts/build/assert.mjs') } : undefined,
    );
  },
};

await build({
  entryPoints: {
    cli: join(root, 'src/cli.ts'),
    ...Object.fromEntries(
      Object.entries(LATE).map(([path, name]) => [name, path.replace('./', join(root, 'src/'))]),
    ),
  },
  outdir: made,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  charset: 'utf8',
  legalComments: 'none',
  plugins: [late, lightYargs],
  // A late import becomes a `require`: Node's loader of modules is not even started.
  supported: { 'dynamic-import': false },
  // yargs lays out its help by string-width, which compiles all emoji at import: a third of a bare Node's start.
  alias: { 'string-width': 'fast-string-width' },
  define: { 'import.meta.url': 'importMetaUrl' },
  // To Node, the default export of a CommonJS file is all that it exports.
  footer: { js: "if(typeof module.exports.default==='function')module.exports=module.exports.default;" },
  banner: { js: "const importMetaUrl=require('node:url').pathToFileURL(__filename).href;" },
});
for (const room of ['src/remote', 'src/system', 'src/commands']) {
  for (const name of readdirSync(join(root, room)).filter((file) => /\.(sh|bash|zsh|fish)$/.test(file))) {
    copyFileSync(join(root, room, name), join(made, name));
  }
}
chmodSync(join(made, 'cli.cjs'), 0o755);
// https://reproducible-builds.org/docs/source-date-epoch/
const builtAt = new Date(Number(process.env.SOURCE_DATE_EPOCH) * 1000 || Date.now());
writeFileSync(join(made, 'remote-notebook.1'), manual(builtAt));
rmSync(dist, { recursive: true, force: true });
renameSync(made, dist);
