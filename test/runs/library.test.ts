import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fetchRun, hostRuns, runNotebook, stopRun, UsageError, waitForRun } from '../../src/index.ts';
import { notebookOf } from '../hosts/driver.ts';
import { worldFor } from '../hosts/lasting.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { LONG, printedIn, readNotebook, writeNotebook } from '../hosts/runs.ts';

test('a script runs a notebook with its files and parameters, waits for its end with each line, and has the result', {
  skip: NO_PROC,
}, async (context) => {
  const { laptop, sshd } = await worldFor(context);
  const surroundings = { env: laptop.env, sshConfig: sshd.sshConfig };
  const path = writeNotebook(
    laptop,
    'script.ipynb',
    notebookOf('print(open("data.txt").read(), rate)', '1/0'),
  );
  const data = join(dirname(path), 'data.txt');
  writeFileSync(data, 'data');
  const settings = { ...surroundings, parameters: { rate: 0.5 }, with: [data] };
  const begun = await runNotebook(path, 'loopback', settings);
  assert.deepEqual([begun.name, begun.cells], ['script-1', 3]);
  const lines: string[] = [];
  const { state, error } = await waitForRun('script-1', {
    ...surroundings,
    onLine: (line) => lines.push(line),
  });
  assert.deepEqual([state, error?.name], ['failed', 'ZeroDivisionError']);
  assert.ok(lines.includes('data 0.5'), lines.join('\n'));
  const { file } = await fetchRun('script-1', surroundings);
  assert.equal(file, path.replace('.ipynb', '.out.ipynb'));
  assert.match(printedIn(readNotebook(file)), /data 0\.5/);
  writeFileSync(file, 'mine');
  await assert.rejects(fetchRun('script-1', surroundings), /was changed since it was written/);
  await fetchRun('script-1', { ...surroundings, force: true });
  assert.notEqual(readFileSync(file, 'utf8'), 'mine');
  await runNotebook(writeNotebook(laptop, 'long.ipynb', notebookOf(LONG)), 'loopback', surroundings);
  assert.equal(await stopRun('long-1', surroundings), 'cancelled');
  const states = (await hostRuns('loopback', surroundings)).map((run) => [run.name, run.state]);
  assert.deepEqual(states, [
    ['script-1', 'failed'],
    ['long-1', 'cancelled'],
  ]);
  await assert.rejects(waitForRun('absent-1', surroundings), UsageError);
});
