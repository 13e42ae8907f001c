import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame } from '../../src/host/protocol.ts';
import { runIn, runsIn } from '../../src/host/runs/record.ts';
import { jobStatusIn } from '../../src/host/server-record.ts';
import { describeJob } from '../../src/lifecycle/starting/queue.ts';
import { makeSpec } from '../../src/model/server-spec.ts';
import { runTable } from '../../src/screen/run-lines.ts';
import { makeStyle } from '../../src/screen/terminal.ts';
import { NO_FORWARDS } from '../../src/state/records.ts';

/** What a host reports about runs and jobs is not believed: nothing of it ends a command, or becomes one. */

const NOW = Date.parse('2026-01-01T12:00:00Z');

function frames(values: Readonly<Record<string, string>>, ...events: readonly object[]): Frame[] {
  const known = Object.entries({ started: '1000', now: '1060', process: 'alive', ...values });
  return [
    ...known.map(([key, value]) => ({ key, value }) as Frame),
    ...events.map((event) => ({ key: 'run_event', value: JSON.stringify(event) }) as const),
    { key: 'run', value: values.name ?? 'train-1' },
  ];
}

const UNREADABLE = { toString: 1, valueOf: 1 };

test('times and words of a run that no host would report are left out, and the run is shown', () => {
  const hostile = [
    frames({ now: 'soon' }),
    frames({ started: '9'.repeat(30) }),
    frames({ started: '-1e300' }),
    frames({ exit_status: '1' }, { e: 'end', t: 1e300, state: 'failed', ename: UNREADABLE, evalue: [1] }),
    frames({}, { e: 'cell', i: 0, n: 1, t: UNREADABLE, title: UNREADABLE }, { e: 'note', text: UNREADABLE }),
  ];
  for (const each of hostile) {
    const run = runIn(each, 'gpu', NOW);
    assert.equal(run?.name, 'train-1');
    assert.deepEqual([run.error, run.notes], [null, []]);
    assert.equal(runTable([run], { style: makeStyle(false), width: 80 }).length > 1, true);
  }
  assert.equal(runIn(frames({}), 'gpu', NOW)?.startedAt, '2026-01-01T11:59:00.000Z');
});

test('a run whose name no run can have is not listed: users paste it into commands', () => {
  for (const name of ['a; reboot', '../train-1', '.train', '-f', '__proto__', 'a\u202eb', ''])
    assert.deepEqual(runsIn(frames({ name }), 'gpu', NOW), []);
  assert.equal(runsIn(frames({ name: 'Übung_2-1' }), 'gpu', NOW).length, 1);
});

test('the words of a run stay in one line', () => {
  const end = { e: 'end', t: 1050, state: 'failed', ename: 'E', evalue: 'x\n\u001b[2Jtrain-2 done' };
  const run = runIn(frames({ exit_status: '1' }, end), 'gpu', NOW);
  assert.ok(run);
  const lines = runTable([run], { style: makeStyle(false), width: 80 });
  assert.ok(lines.every((line) => !/[\n\u001b]/.test(line)));
});

test('times of a job that no scheduler would report are left out', () => {
  for (const line of [
    `17|PENDING|Priority|${'9'.repeat(30)}||`,
    `17|RUNNING|None||oak|${'9'.repeat(20)}-01:00:00`,
  ]) {
    const job = { scheduler: 'slurm', id: '17', folder: '/f' };
    const found = jobStatusIn([
      { key: 'job', value: 'slurm 17' },
      { key: 'queue', value: `1000 ${line}` },
    ]);
    assert.ok(found);
    const spec = makeSpec('work', { destination: 'cluster', launcher: 'slurm' });
    const record = { spec, jupyter: undefined, job, forwards: NO_FORWARDS };
    const { expectedStart, endsAt } = describeJob(record, { state: 'queued', job: found }) ?? {};
    assert.deepEqual([expectedStart, endsAt], [null, null]);
  }
});
