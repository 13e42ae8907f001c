// Makes all files of a release in a folder (by default release/): the tarball, the wheel, the executable, the changes, and the
// checksums of these.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './contents.ts';

const folder = process.argv[2] ?? join(ROOT, 'release');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const run = (program: string, ...args: readonly string[]) =>
  execFileSync(program, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
run('npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder);
for (const script of ['wheel', 'executable'])
  run(process.execPath, '--import', 'tsx', `scripts/build/${script}.ts`, folder);
copyFileSync(join(ROOT, 'CHANGELOG.md'), join(folder, 'CHANGELOG.md'));
const names = readdirSync(folder).sort();
const sums = names.map((name) => {
  const hash = createHash('sha256')
    .update(readFileSync(join(folder, name)))
    .digest('hex');
  return `${hash}  ${name}\n`;
});
writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
console.log([...names, 'SHA256SUMS'].map((name) => join(folder, name)).join('\n'));
