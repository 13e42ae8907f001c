// Makes dist/: the command as one bundle whose rarely needed parts are files of their own, and the sh scripts.
import { chmodSync, copyFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
// Made beside it, so that a command which runs from it meanwhile finds all of one or all of the other.
const made = `${dist}-${process.pid}`;

await build({
  entryPoints: [join(root, 'src/cli.ts')],
  outdir: made,
  bundle: true,
  splitting: true,
  minify: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  // yargs lays out its help by string-width, which compiles all emoji at import: a third of a bare Node's start.
  alias: { 'string-width': 'fast-string-width' },
  chunkNames: '[name]-[hash]',
  // Some dependencies are CommonJS: they call require for Node's own modules, and want to know their file.
  banner: {
    js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url),__filename=import.meta.filename;",
  },
});
for (const room of ['src/remote', 'src/system']) {
  for (const name of readdirSync(join(root, room)).filter((file) => file.endsWith('.sh'))) {
    copyFileSync(join(root, room, name), join(made, name));
  }
}
chmodSync(join(made, 'cli.js'), 0o755);
rmSync(dist, { recursive: true, force: true });
renameSync(made, dist);
