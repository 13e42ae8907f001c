import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeOthers } from '../../scripts/build/executable/unpacked.ts';
import { ROOT } from '../hosts/package.ts';
import { makeFolder, untilEnd } from '../hosts/standing.ts';

/** The folders to which the executables of several versions have unpacked their scripts. */

const UNPACKED = join(ROOT, 'scripts/build/executable/unpacked.ts');
const id = (digit: string) => `program-${digit.repeat(16)}`;

function unpack(state: string, name: string, machine = hostname()): string {
  const folder = join(state, name);
  for (const each of ['dist', 'machines']) mkdirSync(join(folder, each), { recursive: true });
  for (const each of ['dist/cli.cjs', `machines/${machine}`]) writeFileSync(join(folder, each), '');
  return folder;
}

test('a new version of the executable removes what older ones unpacked, but nothing that is used or may be', {
  skip: process.platform !== 'linux' && 'the executable is for Linux',
}, async () => {
  const place = makeFolder();
  const state = join(place, 'state');
  mkdirSync(state);
  const own = unpack(state, id('0'));
  const used = unpack(state, id('1'));
  const unused = unpack(state, id('2'));
  unpack(state, id('3'), 'another-machine');
  unpack(state, `${id('4')}.4711`);
  unpack(state, 'program-notes');
  mkdirSync(join(state, id('5')));
  const code = `import { use } from ${JSON.stringify(UNPACKED)}; use(process.argv[1]); console.log(); setInterval(() => {}, 1000)`;
  const words = ['--import', 'tsx', '--input-type=module', '-e', code, used];
  const user = untilEnd(spawn(process.execPath, words, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] }));
  await once(user.stdout, 'data');
  const link = join(place, 'link');
  symlinkSync(state, link);
  const before = readdirSync(state);
  removeOthers(link, join(link, id('0')));
  assert.deepEqual(
    before.filter((name) => !existsSync(join(state, name))),
    [id('2')],
  );
  assert.deepEqual([own, used, unused].map(existsSync), [true, true, false]);
  user.kill();
  await once(user, 'exit');
  removeOthers(state, own);
  assert.equal(existsSync(used), false);
});
