import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LinkEnd, Pacing } from '../../src/keeper/links/pacing.ts';

const steady: LinkEnd = { kind: 'lost', stoodMs: 60_000 };
const dropped: LinkEnd = { kind: 'lost', stoodMs: 0 };
const refused: LinkEnd = { kind: 'refused' };
const unreachable: LinkEnd = { kind: 'unreachable', tookMs: 0 };

/** The pauses in seconds, where each link lives for `livesMs`, and each pause is kept. */
function pauses(ends: readonly LinkEnd[], livesMs: number, pacing = new Pacing(), at = 0): number[] {
  let clock = at;
  return ends.map((end) => {
    clock += livesMs;
    const seconds = pacing.pauseAfter(end, clock);
    clock += seconds * 1000;
    return seconds;
  });
}

const times = (count: number, end: LinkEnd) => Array.from({ length: count }, () => end);

test('a link that is lost now and then is replaced at once', () => {
  assert.deepEqual(
    pauses(times(100, steady), 60_000),
    times(100, steady).map(() => 0),
  );
});

test('ten losses within a minute are each followed by a try at once, and later ones by short pauses', () => {
  assert.deepEqual(pauses(times(16, { kind: 'lost', stoodMs: 5000 }), 100), [
    ...Array(10).fill(0),
    1,
    2,
    4,
    5,
    5,
    5,
  ]);
});

test('after a minute without a loss, a lost link is replaced at once again', () => {
  const pacing = new Pacing();
  pauses(times(14, steady), 100, pacing);
  assert.deepEqual(pauses([steady], 0, pacing, 200_000), [0]);
});

test('a host that drops the connection after each login is tried every 30 s after twenty times', () => {
  const waited = pauses(times(30, dropped), 500);
  assert.deepEqual(waited.slice(19), Array(11).fill(30));
  // All that is before takes at least half a minute.
  assert.ok(waited.slice(0, 19).reduce((sum, seconds) => sum + seconds, 0) > 30);
});

test('after one link that lasted, a host is tried at once again', () => {
  const pacing = new Pacing();
  pauses(times(25, dropped), 500, pacing);
  assert.deepEqual(pauses([steady], 0, pacing, 2_000_000), [0]);
});

test('a host that refuses the connection is tried less and less often', () => {
  assert.deepEqual(pauses([steady, ...times(8, refused)], 200), [0, 1, 2, 4, 8, 16, 30, 30, 30]);
});

test('a host that cannot be reached is tried often at first', () => {
  const waited = pauses([steady, ...times(100, unreachable)], 200);
  assert.deepEqual(waited.slice(0, 10), [0, ...Array(9).fill(1)]);
  assert.ok(Math.max(...waited) <= 30);
  assert.ok(waited.slice(1).every((seconds, index, all) => index === 0 || seconds >= (all[index - 1] ?? 0)));
});

test('for a host that cannot be reached, the interval between tries includes the time that a try takes', () => {
  const pacing = new Pacing();
  pauses([steady], 0, pacing);
  assert.equal(pacing.pauseAfter({ kind: 'unreachable', tookMs: 4000 }, 300_000), 6);
  assert.equal(pacing.pauseAfter({ kind: 'unreachable', tookMs: 15_000 }, 300_000), 1);
});

test('a host that refused us and then logged us in is tried at once after the next loss', () => {
  const pacing = new Pacing();
  pauses([steady, ...times(5, refused)], 200, pacing);
  assert.deepEqual(pauses([steady, refused], 60_000, pacing, 100_000), [0, 1]);
});

test('a host that refuses us is not tried more often because somebody watches the status, one that cannot be reached is', () => {
  const pacing = new Pacing();
  const granted = () =>
    Array.from({ length: 31 }, (_, look) => look * 2000).filter((at) => pacing.mayHurry(at));
  pauses([refused], 0, pacing);
  assert.deepEqual(granted(), [0, 30_000, 60_000]);
  pauses([unreachable], 0, pacing);
  assert.equal(granted().length, 31);
});
