import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { notebookOf } from '../hosts/driver.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { printedIn, readNotebook, runOf, untilEnded, untilPrinted, writeNotebook } from '../hosts/runs.ts';
import { done } from '../hosts/servers.ts';
import { programOnHost } from '../hosts/stand-ins.ts';
import { makeFolder } from '../hosts/standing.ts';

/** A host whose clock is set back while it executes a notebook. */

const HOURS = 3;
const [modules, flags] = [makeFolder('rn-modules-'), makeFolder('rn-flags-')];
const [back, on] = [join(flags, 'back'), join(flags, 'on')];
// Python imports this module when it starts.
writeFileSync(
  join(modules, 'sitecustomize.py'),
  `import os, time
def late(clock=time.time):
    return clock() - ${HOURS * 3600} * os.path.exists(${JSON.stringify(back)})
time.time = late
`,
);
const world = await worldPerFile({ environment: { PYTHONPATH: modules } });

test('a run whose host sets its clock back continues, and its times are correct', {
  skip: NO_PROC,
}, async () => {
  const { laptop } = world;
  const now = '$(/bin/date +%s)';
  programOnHost(
    world,
    'date',
    `if [ "$1" = +%s ] && [ -e '${back}' ]; then echo $((${now} - ${HOURS * 3600})); else exec /bin/date "$@"; fi`,
  );
  mkdirSync(join(world.home, 'work'));
  const waits = `import os, time
print("begun", flush=True)
while not os.path.exists(${JSON.stringify(on)}): time.sleep(0.05)
print("continued", time.time())`;
  const path = writeNotebook(laptop, 'clock.ipynb', notebookOf(waits, 'print("next")'));
  const begin = Date.now();
  await done(laptop, 'run', path, 'loopback', '{F}', '-d', 'work', '--cell-timeout', '2h');
  await untilPrinted(world, 'clock-1', 'begun');
  writeFileSync(back, '');
  const isNear = (time: string | null | undefined) =>
    time !== null &&
    time !== undefined &&
    Date.parse(time) >= begin - 3000 &&
    Date.parse(time) <= Date.now() + 3000;
  const running = await runOf(laptop, 'clock-1');
  assert.equal(running?.state, 'running');
  assert.ok(isNear(running.startedAt), `${running.startedAt}`);
  writeFileSync(on, '');
  const ended = await untilEnded(world, 'clock-1');
  assert.equal(ended.state, 'done');
  assert.ok(isNear(ended.startedAt) && isNear(ended.endedAt), `${ended.startedAt} ${ended.endedAt}`);
  const took = (Date.parse(ended.endedAt ?? '') - Date.parse(ended.startedAt ?? '')) / 1000;
  assert.ok(Math.abs(took - (ended.elapsedSeconds ?? -1)) <= 2, `${took} ${ended.elapsedSeconds}`);
  await done(laptop, 'fetch', 'clock-1');
  const result = readNotebook(path.replace('.ipynb', '.out.ipynb'));
  assert.match(printedIn(result), /^begun\ncontinued \d+\.\d+\nnext\n$/);
  for (const { metadata } of result.cells) {
    const { duration } = metadata.papermill as { duration: number };
    assert.ok(duration >= 0 && duration < 1000, String(duration));
  }
});
