// Makes dist/: the command as one bundle whose rarely needed parts are files of their own, and the sh scripts.
import { chmodSync, copyFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
await build({
  entryPoints: [join(root, 'src/cli.ts')],
  outdir: dist,
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
    copyFileSync(join(root, room, name), join(dist, name));
  }
}
chmodSync(join(dist, 'cli.js'), 0o755);
