import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ConnectionEvent, EventLog, readEvents } from '../../src/keeper/events.ts';
import { keeperOf } from '../hosts/keeper.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { done, started, stderrOf } from '../hosts/servers.ts';
import { signalTo } from '../hosts/signal.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';

/** What is kept of a connection's history. */

const world = await worldPerFile();
const { laptop } = world;

/** The events of the laptop's only connection, open or not. */
function events(): ConnectionEvent[] {
  const [name = ''] = eventFiles();
  return readEvents({ folder: join(laptop.stateFolder, 'c', name.replace(/^events-|\.log$/g, '')) });
}

const eventFiles = () => readdirSync(laptop.stateFolder).filter((name) => name.startsWith('events-'));
const happened = (what: RegExp) => events().some((event) => what.test(event.what));

test('a connection that is made, lost, refused, made again and closed leaves its history, with times', async () => {
  const begun = Date.now() - 1000;
  const { tunnel } = await started(laptop, ...(await ports()));
  await eventually('the forward is there', () =>
    happened(new RegExp(`forwards: up .*:${tunnel.localPort}:`)),
  );
  await world.sshd.stop();
  signalTo(keeperOf(laptop).ssh, 'SIGKILL');
  await eventually('the keeper waits', () => happened(/^waiting \d+ s before try 2$/));
  await world.sshd.start();
  await eventually('it is connected', () => keeperOf(laptop).phase === 'connected');
  const port = String(await freePort());
  await done(laptop, 'forward', 'loopback', port);
  await eventually('the new forward is there', () =>
    happened(new RegExp(`up 127.0.0.1:${port}:localhost:${port}`)),
  );
  await done(laptop, 'stop');
  await eventually('its end is there', () => happened(/^closed by a command$/));
  const kinds = events().map(({ what }) => what.replace(/[;:].*| \d+ s before.*/, ''));
  const order = ['connected', 'lost', 'not connected', 'waiting', 'connected', 'closed by a command'];
  let from = 0;
  for (const kind of order) {
    const found = kinds.indexOf(kind, from);
    assert.ok(found >= 0, `${kind} after the ${from}th of ${kinds.join(', ')}`);
    from = found + 1;
  }
  assert.ok(happened(/^not connected: ssh: connect to host .*Connection refused$/), JSON.stringify(events()));
  const times = events().map(({ at }) => Date.parse(at));
  assert.deepEqual(
    times,
    times.toSorted((one, other) => one - other),
  );
  assert.ok((times[0] ?? 0) >= begun && (times.at(-1) ?? 0) <= Date.now());
});

test('after a failed first login, only the history of the connection is kept', async () => {
  const keys = readFileSync(world.sshd.authorizedKeys);
  writeFileSync(world.sshd.authorizedKeys, '');
  await stderrOf(1, laptop, 'start', 'loopback', '{F}', '--no-browser');
  writeFileSync(world.sshd.authorizedKeys, keys);
  assert.match(
    events().at(-1)?.what ?? '',
    /^gave up, because ssh needs an answer from the user: .*Permission denied/,
  );
  assert.deepEqual(readdirSync(join(laptop.stateFolder, 'c')), []);
});

test('only its owner can read the history', () => {
  for (const name of eventFiles()) assert.equal(statSync(join(laptop.stateFolder, name)).mode & 0o777, 0o600);
  assert.equal(eventFiles().length, 1);
});

test('the history stays short, however much happens', () => {
  const folder = join(makeFolder('rn-events-'), 'c', 'x');
  const log = new EventLog({ folder });
  for (let tries = 0; tries < 120; tries++) log.add('pause', `${tries} 1`);
  const file = join(folder, '../../events-x.log');
  assert.ok(readFileSync(file, 'utf8').split('\n').length <= 101);
  const last = readEvents({ folder });
  assert.equal(last.length, 50);
  assert.equal(last.at(-1)?.what, 'waiting 1 s before try 119');
});

test('clean removes the history of connections that have had no event for a month', async () => {
  const file = eventFiles()[0] ?? '';
  assert.deepEqual(JSON.parse(await done(laptop, 'clean', '--json')).leftovers, []);
  const old = Date.now() / 1000 - 31 * 86_400;
  utimesSync(join(laptop.stateFolder, file), old, old);
  assert.deepEqual(JSON.parse(await done(laptop, 'clean', '--json')).leftovers, [
    `the file ${file}, with events of more than a month ago`,
  ]);
  assert.deepEqual(eventFiles(), []);
});

test('lines that are not events are ignored', () => {
  const folder = makeFolder('rn-events-');
  writeFileSync(
    join(folder, 'events-x.log'),
    'garbage\n1700000000 toString\n99999999999999 ended\n1700000000 ended\n1700000001 closed failed - no key\n\0\n',
  );
  assert.deepEqual(readEvents({ folder: join(folder, 'c', 'x') }), [
    { at: '2023-11-14T22:13:20.000Z', what: 'closed by a command' },
    { at: '2023-11-14T22:13:21.000Z', what: 'gave up: no key' },
  ]);
});
