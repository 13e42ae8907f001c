import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { attempt } from '../../src/system/errors.ts';
import { without } from '../hosts/bare.ts';
import { keeperOf } from '../hosts/keeper.ts';
import { missing, NO_ROOT } from '../hosts/needs.ts';
import { ROOT } from '../hosts/package.ts';
import { liveAndDie } from '../hosts/servers.ts';
import { makeFolder } from '../hosts/standing.ts';
import { makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** The files that `make release` makes, and the single executable on a laptop without Node, which is hidden there. */

const skip =
  (process.platform !== 'linux' && 'the executable is for Linux') || missing('strip') || missing('xz');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const platform = `linux-${process.arch}`;
let world: World;
let folder: string;
let executable: string;
before(async () => {
  if (skip) return;
  folder = join(makeFolder('rn-release-'), 'release');
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build/release.ts', folder], { cwd: ROOT });
  executable = join(folder, '..', 'remote-notebook');
  const packed = join(folder, `remote-notebook-${version}-${platform}.xz`);
  execFileSync('sh', ['-c', 'xz -dc "$1" >"$2"', 'sh', packed, executable]);
  chmodSync(executable, 0o755);
  world = await makeWorld();
  mkdirSync(join(world.home, 'work'));
});
after(() => world?.remove());

test('make release makes the tarball, the wheel, the executable and the changes, and their checksums are right', {
  skip,
}, () => {
  assert.deepEqual(readdirSync(folder).sort(), [
    'CHANGELOG.md',
    'SHA256SUMS',
    `remote-notebook-${version}-${platform}.xz`,
    `remote-notebook-${version}.tgz`,
    `remote_notebook-${version}-py3-none-any.whl`,
  ]);
  const checked = execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: folder, encoding: 'utf8' });
  assert.equal(checked.match(/: OK$/gm)?.length, 4);
});

test('the executable has at most 45 MB to download', { skip }, () => {
  const { size } = statSync(join(folder, `remote-notebook-${version}-${platform}.xz`));
  assert.ok(size <= 45_000_000, `${size} bytes`);
});

test('the executable starts, shows and stops a server on a machine without Node, and keeps its tunnel by itself', {
  skip: skip || NO_ROOT,
}, async () => {
  const { enter = [] } = without('/usr/bin/node', '/usr/local/bin/node');
  let keeper = '';
  const old = join(world.laptop.stateFolder, 'program-0123456789abcdef');
  for (const each of ['dist', 'machines']) mkdirSync(join(old, each), { recursive: true, mode: 0o700 });
  for (const each of ['dist/cli.cjs', join('machines', hostname())]) writeFileSync(join(old, each), '');
  await liveAndDie(world, (...words) => {
    const [program = '', ...args] = [...enter, executable, ...words];
    const { status, stdout, stderr } = spawnSync(program, args, { env: world.laptop.env, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    if (words[0] === 'start') {
      const { pid } = keeperOf(world.laptop).keeper;
      keeper = readlinkSync(`/proc/${pid}/exe`);
      // The keeper works on meanwhile.
      const open = readdirSync(`/proc/${pid}/fd`).map((fd) =>
        attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)),
      );
      assert.ok(
        open.some((path = '') => /\/program-\w{16}\/dist\/cli\.cjs$/.test(path)),
        'its folder is marked as used',
      );
    }
    return stdout;
  });
  assert.equal(keeper, executable);
  assert.equal(existsSync(old), false, 'the folder of an older version is removed');
});

test('--version says that it is the executable, which with status takes at most twice the time of the plain command', {
  skip,
}, () => {
  const { env } = world.anotherLaptop();
  const timed = (words: readonly string[]) => {
    const [program = '', ...args] = words;
    const begin = performance.now();
    const { status, stdout } = spawnSync(program, args, { env, encoding: 'utf8' });
    assert.equal(status, 0, words.join(' '));
    return { ms: performance.now() - begin, stdout };
  };
  assert.equal(timed([executable, '--version']).stdout, `${version} (executable)\n`);
  for (const verb of ['--version', 'status']) {
    // In turns, so that a load of this machine hits both.
    const pairs = Array.from({ length: 10 }, () => [
      timed([executable, verb]).ms,
      timed([...PROGRAM, verb]).ms,
    ]);
    const [own = 0, plain = 0] = [0, 1].map((index) => Math.min(...pairs.map((pair) => pair[index] ?? 0)));
    assert.ok(own <= 2 * plain, `${verb}: ${own} ms, and ${plain} ms`);
  }
});
