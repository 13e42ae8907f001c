import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { notebookOf } from '../hosts/driver.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { driverOf, heldVenv, runsOn } from '../hosts/runs.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/** The modules and the data that a notebook needs, and which go to the host with it. */

let world: World;
before(async () => {
  world = await makeWorld();
});
after(() => world.remove());

const SOURCE = `import os, helpers
from parts.more import three
print(helpers.TWO + three, open("data/it's here.csv").read(), os.path.exists('absent.csv'))`;

/** A folder of the laptop with a notebook and what it needs, and a directory on the host. */
function project() {
  const folder = mkdtempSync(join(String(world.laptop.env.HOME), 'project-'));
  mkdirSync(join(folder, 'parts'));
  mkdirSync(join(folder, 'data'));
  const notebook = join(folder, 'main.ipynb');
  writeFileSync(notebook, JSON.stringify(notebookOf(SOURCE)));
  writeFileSync(join(folder, 'helpers.py'), 'TWO = 2\n');
  writeFileSync(join(folder, 'parts', 'more.py'), 'three = 3\n');
  writeFileSync(join(folder, 'data', "it's here.csv"), 'data\n');
  const there = mkdtempSync(join(world.home, 'there '));
  const all = ['helpers.py', 'parts', "data/it's here.csv"].map((name) => join(folder, name));
  const run = (...options: string[]) =>
    world.laptop.run('run', notebook, 'loopback', '{F}', '-d', there, '--wait', ...options);
  const withAll = all.flatMap((path) => ['--with', path]);
  return { folder, notebook, there, run, withAll };
}

const runsThere = () => readdirSync(runsOn(world));

/** Waits until no upload is there: those of the test beside this one come and go. */
const noUploadIsLeft = () =>
  eventually('no upload is left', () => !runsThere().some((name) => name.startsWith('.')));

describe('what a notebook needs of its folder', { concurrency: 2, skip: NO_PROC }, () => {
  test('is named before the notebook is executed, if the directory on the host does not contain it', async () => {
    const { there, run } = project();
    writeFileSync(join(there, 'helpers.py'), 'TWO = 2\n');
    const { code, stdout, stderr } = await run();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /the notebook seems to need parts, data\/it's here\.csv, which the directory here does not contain: send it with --with/,
    );
    assert.match(stdout, /ModuleNotFoundError/);
  });

  test('goes to the same place in the directory on the host by --with, and its names are not reported then', async () => {
    const { there, run, withAll } = project();
    const { code, stdout, stderr } = await run(...withAll);
    assert.equal(code, 0, `${stderr}${stdout}`);
    assert.match(stdout, /^5 data$/m);
    assert.doesNotMatch(stderr, /seems to need/);
    assert.equal(readFileSync(join(there, 'data', "it's here.csv"), 'utf8'), 'data\n');
    const names = readdirSync(there).filter((name) => name !== '__pycache__');
    assert.deepEqual(names.toSorted(), ['data', 'helpers.py', 'parts']);
  });

  test('never replaces a file that somebody has changed there, except with --force', async () => {
    const { folder, there, run, withAll } = project();
    const file = join(there, 'helpers.py');
    writeFileSync(file, 'mine\n');
    const refused = await run(...withAll, '--name', 'refused');
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /the directory on loopback contains other files of the same name, which no run has sent: helpers\.py\n.*--force/,
    );
    assert.deepEqual(readdirSync(there), ['helpers.py']);
    assert.equal(readFileSync(file, 'utf8'), 'mine\n');
    assert.equal(runsThere().includes('refused-1'), false);
    await noUploadIsLeft();
    const forced = await run(...withAll, '--force', '--name', 'forced');
    assert.equal(forced.code, 0, forced.stderr);
    assert.equal(readFileSync(file, 'utf8'), 'TWO = 2\n');
    assert.equal(existsSync(join(runsOn(world), 'forced-1', 'replaced')), false);
    // What a run has sent, and nobody has changed, is replaced by the next one.
    writeFileSync(join(folder, 'helpers.py'), 'TWO = 20\n');
    const again = await run(...withAll);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /^23 data$/m);
    writeFileSync(file, 'mine again\n');
    assert.equal((await run(...withAll)).code, 1);
    assert.equal(readFileSync(file, 'utf8'), 'mine again\n');
  });

  test('does not stay there if the notebook cannot be executed, and what it has replaced is there again', async () => {
    const { folder, there, run, withAll } = project();
    writeFileSync(join(there, 'helpers.py'), 'mine\n');
    // A link of the user, and one that leads nowhere, for example to a disk that is not mounted.
    writeFileSync(join(folder, 'parts', 'link.py'), '');
    writeFileSync(join(folder, 'parts', 'dangling.py'), '');
    mkdirSync(join(there, 'parts'));
    symlinkSync('../helpers.py', join(there, 'parts', 'link.py'));
    symlinkSync('/nowhere/it', join(there, 'parts', 'dangling.py'));
    const refused = await run(...withAll);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /which no run has sent: (?=.*parts\/dangling\.py)(?=.*helpers\.py).*\n/);
    const { code, stderr } = await run(...withAll, '--force', '--kernel', 'absent');
    assert.equal(code, 1);
    assert.match(stderr, /there is no kernel absent/);
    assert.equal(existsSync(join(there, 'parts', 'more.py')), false);
    // Not even its folder.
    assert.deepEqual(readdirSync(there).toSorted(), ['helpers.py', 'parts']);
    assert.equal(readFileSync(join(there, 'helpers.py'), 'utf8'), 'mine\n');
    assert.equal(readlinkSync(join(there, 'parts', 'link.py')), '../helpers.py');
    assert.equal(readlinkSync(join(there, 'parts', 'dangling.py')), '/nowhere/it');
    await noUploadIsLeft();
  });

  test('is refused with the reason if one of its names has a line break, or a link in it leads nowhere', async () => {
    const { folder, there, run } = project();
    const all = ['--with', join(folder, 'data')];
    writeFileSync(join(folder, 'data', 'two\nlines'), '');
    const odd = await run(...all);
    assert.equal(odd.code, 1);
    assert.match(odd.stderr, /contains a control character, such as a line break: .*two\?lines/);
    rmSync(join(folder, 'data', 'two\nlines'));
    symlinkSync('/nowhere', join(folder, 'data', 'link'));
    const dangling = await run(...all);
    assert.equal(dangling.code, 1);
    assert.match(
      dangling.stderr,
      /tar failed: .*data\/link.*\nNothing was started\. .*no link in them may lead nowhere/,
    );
    assert.deepEqual(readdirSync(there), []);
  });
});

// By itself: it waits until no script is running.
test('what goes to the host is taken back, and what it has replaced is there again, if the start is interrupted at its very end', {
  skip: NO_PROC,
}, async () => {
  const { folder, notebook, there, withAll } = project();
  const held = heldVenv('driver');
  const file = join(there, 'helpers.py');
  writeFileSync(file, 'mine\n');
  writeFileSync(notebook, JSON.stringify(notebookOf('import time; time.sleep(1000)')));
  const options = ['-d', there, '-e', held.venv, ...withAll, '--force', '--name', 'late'];
  const starting = world.laptop.start('run', join(folder, 'main.ipynb'), 'loopback', '{F}', ...options);
  await held.reached();
  starting.signal('SIGSTOP');
  held.go();
  const record = join(runsOn(world), 'late-1', 'record');
  // Until its script has ended, the host would undo the start by itself.
  const isScript = (pid: number) => /\bsh -s *$/.test(commandLineOf(pid));
  await eventually(
    'it is on record, and its script has ended',
    () => existsSync(record) && !world.processes().some(isScript),
  );
  assert.equal(readFileSync(file, 'utf8'), 'TWO = 2\n');
  starting.signal('SIGINT');
  starting.signal('SIGCONT');
  assert.equal((await starting.ended).code, 130);
  assert.equal(readFileSync(file, 'utf8'), 'mine\n');
  assert.deepEqual(readdirSync(there), ['helpers.py']);
  assert.deepEqual([existsSync(record), driverOf(world, 'late-1')], [false, 0]);
});
