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
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { VERBS } from '../../src/commands/verbs.ts';
import { licences } from './licences.ts';
import { manual } from './manual.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
// Made beside it, so that a command which runs from it meanwhile finds all of one or all of the other.
const made = `${dist}-${process.pid}`;
process.on('exit', () => rmSync(made, { recursive: true, force: true }));

/** What is imported late stays a file of its own: a command that does not need it does not read it. */
const LATE: Readonly<Record<string, string>> = {
  './main.ts': 'main',
  './line/answer-shell.ts': 'words',
  yargs: 'yargs',
  yaml: 'yaml',
  'zx/core': 'zx',
  open: 'open',
  'tree-kill': 'tree-kill',
  'write-file-atomic': 'write-file-atomic',
};

/** The same where a shell asks: only some of what it asks needs these. */
const LATE_IN_WORDS = {
  ...LATE,
  '../config/file.ts': 'configuration',
  './file.ts': 'configuration',
  '../ssh/known-hosts.ts': 'hosts',
};

/** Leads the late imports to their files. */
const leadTo = (files: Readonly<Record<string, string>>): Plugin => ({
  name: 'late',
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ path, kind }) =>
      kind === 'dynamic-import' && Object.hasOwn(files, path)
        ? { path: `./${files[path]}.cjs`, external: true }
        : undefined,
    );
  },
});
const late = leadTo(LATE);

/** To a shell the verbs are their words: they are written down for it, without what the verbs do. */
const verbsAsData: Plugin = {
  name: 'verbs-as-data',
  setup({ onLoad }) {
    onLoad({ filter: /commands\/verbs\.ts$/ }, () => ({
      contents: `export const VERBS = ${JSON.stringify(VERBS)};`,
    }));
  },
};

/** The verb that is run most often, in a prompt or a loop, has a bundle without the others: Node reads a third of it. */
const ALONE = 'status';

const onlyVerb: Plugin = {
  name: 'only-verb',
  setup({ onLoad }) {
    onLoad({ filter: /commands\/verbs\.ts$/ }, ({ path }) => ({
      contents: `import { ${ALONE} } from './${ALONE}.ts'; export const VERBS = { ${ALONE} };`,
      resolveDir: dirname(path),
    }));
  },
};

/** What two packages read of Node at once, and hardly ever use, is read when they do: it has a dozen parts of its own. */
const LIGHTENED: Readonly<Record<string, string>> = { assert: 'yargs', child_process: 'ssh-config' };

const lightened: Plugin = {
  name: 'lightened',
  setup({ onResolve }) {
    onResolve({ filter: /^(assert|child_process)$/ }, ({ path, importer }) =>
      importer.includes(`/node_modules/${LIGHTENED[path]}/`)
        ? { path: join(root, `scripts/build/${path.replace('_', '-')}.mjs`) }
        : undefined,
    );
  },
};

const SHARED = {
  absWorkingDir: root,
  outdir: made,
  bundle: true,
  metafile: true,
  platform: 'node',
  target: 'node20.19',
  plugins: [late],
} as const satisfies BuildOptions;

/** CommonJS, which Node starts sooner than modules. */
const COMMAND = {
  ...SHARED,
  outExtension: { '.js': '.cjs' },
  minify: true,
  // --verbose tells an error's class.
  keepNames: true,
  format: 'cjs',
  charset: 'utf8',
  legalComments: 'none',
  // A late import becomes a `require`: Node's loader of modules is not even started.
  supported: { 'dynamic-import': false },
  // yargs lays out its help by string-width, which compiles all emoji at import: a third of a bare Node's start.
  alias: { 'string-width': 'fast-string-width' },
  define: { 'import.meta.url': 'importMetaUrl' },
  // To Node, the default export of a CommonJS file is all that it exports.
  footer: { js: "if(typeof module.exports.default==='function')module.exports=module.exports.default;" },
  banner: { js: "const importMetaUrl=require('node:url').pathToFileURL(__filename).href;" },
} as const satisfies BuildOptions;

const { './line/answer-shell.ts': _, ...ofMain } = LATE;
const command = await build({
  ...COMMAND,
  entryPoints: Object.fromEntries(
    Object.entries(ofMain).map(([path, name]) => [name, path.replace('./', join(root, 'src/'))]),
  ),
  plugins: [late, lightened],
});

const cli = await build({
  ...COMMAND,
  entryPoints: { cli: 'src/cli.ts' },
  plugins: [leadTo({ ...LATE, './main.ts': 'verb' })],
});
const alone = await build({
  ...COMMAND,
  entryPoints: { [ALONE]: 'src/main.ts' },
  plugins: [late, lightened, onlyVerb],
});
writeFileSync(
  join(made, 'verb.cjs'),
  `module.exports = require(process.argv[2] === '${ALONE}' ? './${ALONE}.cjs' : './main.cjs');\n`,
);

const completions = await build({
  ...COMMAND,
  entryPoints: {
    words: 'src/line/answer-shell.ts',
    configuration: 'src/config/file.ts',
    hosts: 'src/ssh/known-hosts.ts',
  },
  plugins: [leadTo(LATE_IN_WORDS), lightened, verbsAsData],
});

/** Not minified: what it throws is shown with the line that threw it. */
const library = await build({
  ...SHARED,
  entryPoints: { index: 'src/index.ts' },
  format: 'esm',
  // Some dependencies are CommonJS: they call require for Node's own modules, and want to know their file.
  banner: {
    js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url),__filename=import.meta.filename;",
  },
});

// Each below dist/ where it is below src/: see system/asset.ts.
for (const name of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
  if (!/\.(sh|bash|zsh|fish)$/.test(name)) continue;
  mkdirSync(dirname(join(made, name)), { recursive: true });
  copyFileSync(join(root, 'src', name), join(made, name));
}
chmodSync(join(made, 'cli.cjs'), 0o755);
writeTypes([
  'index',
  'jupyter/kernel',
  'model/resources',
  'model/listing',
  'model/status',
  'model/settings',
  'system/errors',
]);
const inputs = [command, cli, alone, completions, library].flatMap(({ metafile }) =>
  Object.keys(metafile.inputs),
);
writeFileSync(join(made, 'LICENSES.txt'), licences(root, inputs));
// https://reproducible-builds.org/docs/source-date-epoch/
const builtAt = new Date(Number(process.env.SOURCE_DATE_EPOCH) * 1000 || Date.now());
writeFileSync(join(made, 'remote-notebook.1'), manual(builtAt));
rmSync(dist, { recursive: true, force: true });
renameSync(made, dist);

/** The types of the library, and of what it shows of the rooms below. */
function writeTypes(modules: readonly string[]): void {
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
  for (const module of modules) {
    const file = join(made, 'types', `${module}.d.ts`);
    mkdirSync(dirname(file), { recursive: true });
    const text = readFileSync(join(all, 'src', `${module}.d.ts`), 'utf8');
    writeFileSync(file, text.replace(/(from '\.[^']+)\.ts'/g, "$1.js'"));
  }
  rmSync(all, { recursive: true });
}
