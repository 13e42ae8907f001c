// The main script of the single executable. It unpacks the bundle once, to a private folder, and runs it from there.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { attempt } from '../../../src/system/errors.ts';
import { ensurePrivateFolder } from '../../../src/system/files.ts';
import { stateFolder } from '../../../src/system/paths.ts';
import { removeOthers, use } from './unpacked.ts';

/** The hash of the archive, which the build fills in. */
declare const ARCHIVE_HASH: string;

const { getRawAsset } = require('node:sea') as { getRawAsset(name: string): ArrayBuffer };

/** Writes all files to the folder in one step, since another process may do the same now. */
function unpack(folder: string): void {
  const { brotliDecompressSync } = require('node:zlib') as typeof import('node:zlib');
  const archive = Buffer.from(getRawAsset('archive'));
  if (createHash('sha256').update(archive).digest('hex') !== ARCHIVE_HASH)
    throw new Error('this file is damaged: download it again');
  const files: Record<string, string> = JSON.parse(brotliDecompressSync(archive).toString());
  const part = `${folder}.${process.pid}`;
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(part, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(part, path), Buffer.from(content, 'base64'), { mode: 0o600 });
  }
  try {
    renameSync(part, folder);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/** Runs the bundle. The keeper is started as `EXECUTABLE --expose-gc CLI --keep …`, like that of another Node. */
function start(): void {
  const state = stateFolder(process.env);
  ensurePrivateFolder(state);
  const folder = join(state, `program-${ARCHIVE_HASH.slice(0, 16)}`);
  const isNew = !existsSync(folder);
  if (isNew) unpack(folder);
  use(folder);
  if (isNew) attempt(() => removeOthers(state, folder));
  const cli = join(folder, 'dist/cli.cjs');
  const [node = '', self = '', ...words] = process.argv;
  if (words[0] === '--expose-gc') {
    const { setFlagsFromString } = require('node:v8') as typeof import('node:v8');
    const { runInNewContext } = require('node:vm') as typeof import('node:vm');
    setFlagsFromString('--expose-gc');
    globalThis.gc = runInNewContext('gc');
    words.shift();
  }
  if (words[0] === cli) words.shift();
  process.argv = [node, self, ...words];
  createRequire(cli)(cli);
}

try {
  start();
} catch (error) {
  process.stderr.write(`Error: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
