// Writes a single executable for this kind of machine, which is this Node with the bundle in it, and packs it with xz, to a
// folder (by default the top of this project): https://nodejs.org/docs/latest-v20.x/api/single-executable-applications.html
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { contents, MANIFEST, ROOT } from './contents.ts';

/** The mark in Node's executable that shows whether it has a program in it. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

const folder = process.argv[2] ?? ROOT;
const scratch = mkdtempSync(join(tmpdir(), 'remote-notebook-executable-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const at = (name: string) => join(scratch, name);

const files = [...contents('executable')].map(([path, content]) => [path, content.toString('base64')]);
const archive = brotliCompressSync(JSON.stringify(Object.fromEntries(files)));
writeFileSync(at('archive'), archive);
await writeStart(createHash('sha256').update(archive).digest('hex'));
const config = {
  main: at('start.cjs'),
  output: at('blob'),
  disableExperimentalSEAWarning: true,
  assets: { archive: at('archive') },
};
writeFileSync(at('config.json'), JSON.stringify(config));
execFileSync(process.execPath, ['--experimental-sea-config', at('config.json')], { stdio: 'ignore' });

const name = `remote-notebook-${MANIFEST.version}-${process.platform}-${process.arch}`;
const path = at(name);
copyFileSync(process.execPath, path);
chmodSync(path, 0o755);
execFileSync('strip', [path]);
const words = [path, 'NODE_SEA_BLOB', at('blob'), '--sentinel-fuse', FUSE];
execFileSync(join(ROOT, 'node_modules/.bin/postject'), words, { stdio: 'ignore' });
execFileSync('xz', ['--keep', '--threads=2', '-6', path]);
copyFileSync(`${path}.xz`, join(folder, `${name}.xz`));
console.log(`${name}.xz`);

/** Bundles the main script of the executable, with the hash of its archive. */
async function writeStart(hash: string): Promise<void> {
  const bundle = await rolldown({
    cwd: ROOT,
    input: 'scripts/build/executable/start.ts',
    platform: 'node',
    checks: { emptyImportMeta: false },
    transform: { define: { ARCHIVE_HASH: JSON.stringify(hash) } },
  });
  await bundle.write({ file: at('start.cjs'), format: 'cjs', minify: true, codeSplitting: false });
}
