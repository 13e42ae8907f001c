import { makeRelay } from '../hosts/relay.ts';
import { makeWorld } from '../hosts/world.ts';
import { add, ratio, type Samples, type Section } from './samples.ts';
import { BOOT, BY_HAND, bootJupyter, byHand, JOIN, LOGIN, login, oneServer, REQUEST } from './verbs.ts';

/** The same verbs on a distant host: a relay in front of sshd delays all data by half a round trip. */

const ROUND_TRIPS_MS = [0, 30, 150] as const;
const FAR_MS = 150;

/** The sum of the steps that no start can avoid. */
const FLOOR = "a login, Jupyter's own start and one request";

export async function measureDelays(rounds: number): Promise<Section[]> {
  const samples: Samples = new Map();
  const world = await makeWorld();
  const relays = await Promise.all(ROUND_TRIPS_MS.map((ms) => makeRelay(world, ms)));
  try {
    for (let count = 0; count < rounds; count++) {
      for (const { sshConfig, roundTripMs } of relays) {
        const boots: Samples = new Map();
        await login(world, sshConfig, samples, at(roundTripMs));
        await bootJupyter(world, boots);
        await oneServer(world, sshConfig, samples, at(roundTripMs));
        const [there, back] = [LOGIN, REQUEST].map((name) => last(samples, name + at(roundTripMs)));
        add(samples, FLOOR + at(roundTripMs), Number(there) + last(boots, BOOT) + Number(back));
        await byHand(world, sshConfig, samples, at(roundTripMs));
      }
    }
  } finally {
    await world.remove();
    for (const { close } of relays) close();
  }
  const far = (one: string, other: string) => ratio(samples, one + at(FAR_MS), other + at(FAR_MS));
  const names = [FLOOR, '`start`', JOIN, '`stop`', BY_HAND];
  const findings = [
    `Number of round trips (what ${FAR_MS} ms of distance add to the fastest round, divided by ${FAR_MS} ms): ${names.map((name) => `${name} ${roundTrips(samples, name)}`).join('; ')}.`,
    `At ${FAR_MS} ms, \`start\` takes ${far('`start`', FLOOR)} times as long as ${FLOOR}, which no start can avoid, and ${far('`start`', BY_HAND)} times as long as the commands by hand.`,
  ];
  return [{ title: 'A distant host', unit: 'ms', columns: ROUND_TRIPS_MS.map(at), samples, findings }];
}

const at = (roundTripMs: number) => `, ${roundTripMs} ms away`;

function last(samples: Samples, name: string): number {
  return samples.get(name)?.at(-1) ?? Number.NaN;
}

function roundTrips(samples: Samples, name: string): string {
  // The fastest rounds, since other load on the machine can only add time.
  const fastest = (distance: number) => Math.min(...(samples.get(name + at(distance)) ?? []));
  return ((fastest(FAR_MS) - fastest(0)) / FAR_MS).toFixed(1);
}
