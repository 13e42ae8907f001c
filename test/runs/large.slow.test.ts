import assert from 'node:assert/strict';
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { notebookOf } from '../hosts/driver.ts';
import { worldFor } from '../hosts/lasting.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { largeNotebook, printedIn, readNotebook, runsOn, writeNotebook } from '../hosts/runs.ts';
import { done, stderrOf } from '../hosts/servers.ts';

test('a notebook of 50 MB is sent, executed and brought home, from a host whose sh is bash', {
  skip: NO_ROOT,
}, async (context) => {
  const inBash = 'mount --bind /bin/bash /bin/sh && exec "$@"';
  const machine = { address: '127.0.0.1', enter: ['unshare', '--mount', '/bin/bash', '-c', inBash, 'sh'] };
  const world = await worldFor(context, { machine });
  const notebook = largeNotebook(
    50_000_000,
    'import os; print(os.readlink("/proc/self/exe"))',
    'print("x" * 5_000_000)',
  );
  const path = writeNotebook(world.laptop, 'large.ipynb', notebook);
  const shown = await done(world.laptop, 'run', path, 'loopback', '{F}', '--wait');
  assert.ok(shown.length > 5_000_000);
  const result = path.replace('.ipynb', '.out.ipynb');
  assert.ok(readFileSync(result).equals(readFileSync(join(runsOn(world), 'large-1', 'output.ipynb'))));
  const { cells } = readNotebook(result);
  assert.equal([cells[0]?.source].flat().join(''), notebook.cells[0]?.source);
  assert.equal(printedIn(readNotebook(result)).length > 5_000_000, true);
});

test('a notebook that is too large to come home is refused, also one that arrives as a few bytes or never ends', async (context) => {
  const world = await worldFor(context);
  const path = writeNotebook(world.laptop, 'bomb.ipynb', notebookOf('1'));
  await done(world.laptop, 'run', path, 'loopback', '{F}', '--wait');
  const folder = join(runsOn(world), 'bomb-1');
  const refused = async () => {
    const stderr = await stderrOf(1, world.laptop, 'fetch', 'bomb-1', '--output', `${path}.home`);
    assert.match(
      stderr,
      /^Error: the notebook of "bomb-1" has more than 500 MB\nIt is the file output\.ipynb in the folder/m,
    );
    assert.ok(!existsSync(`${path}.home`));
  };
  truncateSync(join(folder, 'output.ipynb'), 500_000_001);
  await refused();
  const endless = join(folder, 'endless');
  writeFileSync(endless, `#!/bin/sh\nexec yes ${'A'.repeat(60_000)}\n`, { mode: 0o755 });
  const record = readFileSync(join(folder, 'record'), 'utf8');
  writeFileSync(join(folder, 'record'), record.replace(/^python .*$/m, `python ${endless}`));
  await refused();
});
