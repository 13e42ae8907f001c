import { makeRelay } from '../hosts/relay.ts';
import { makeWorld } from '../hosts/world.ts';
import { add, median, ratio, type Samples, type Section } from './samples.ts';
import { ARTICLE, article, BOOT, bootJupyter, LOGIN, login, oneServer, QUESTION } from './verbs.ts';

/** The same verbs on a host that is far away: a relay in front of sshd holds all that passes for half a round trip. */

const ROUND_TRIPS_MS = [0, 30, 150] as const;
const FAR_MS = 150;

/** What no start can do without, one after another. */
const FLOOR = "login, Jupyter's own start and one question";

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
        const [there, back] = [LOGIN, QUESTION].map((name) => last(samples, name + at(roundTripMs)));
        add(samples, FLOOR + at(roundTripMs), Number(there) + last(boots, BOOT) + Number(back));
        await article(world, sshConfig, samples, at(roundTripMs));
      }
    }
  } finally {
    await world.remove();
    for (const { close } of relays) close();
  }
  const far = (one: string, other: string) => ratio(samples, one + at(FAR_MS), other + at(FAR_MS));
  const findings = [
    `Round trips, from what ${FAR_MS} ms of each add to the fastest round: ${[FLOOR, '`start`', '`start` that joins', '`stop`', ARTICLE].map((name) => `${name} ${roundTrips(samples, name)}`).join(', ')}.`,
    `At ${FAR_MS} ms a \`start\` takes ${far('`start`', ARTICLE)} times as long as the article's commands; what no start can do without (${FLOOR}: ${Math.round(median(samples, FLOOR + at(FAR_MS)))} ms) takes ${far(FLOOR, ARTICLE)} times as long as these. \`start\` takes ${far('`start`', FLOOR)} times as long as that.`,
  ];
  return [{ title: 'A host that is far away', unit: 'ms', samples: sorted(samples), findings }];
}

const at = (roundTripMs: number) => `, ${roundTripMs} ms away`;

function last(samples: Samples, name: string): number {
  return samples.get(name)?.at(-1) ?? Number.NaN;
}

/** One verb's distances below each other. */
function sorted(samples: Samples): Samples {
  const verb = (name: string) => name.slice(0, name.lastIndexOf(','));
  const verbs = [...new Set([...samples.keys()].map(verb))];
  return new Map(verbs.flatMap((one) => [...samples].filter(([name]) => verb(name) === one)));
}

function roundTrips(samples: Samples, name: string): string {
  // The fastest rounds: what disturbs the machine only ever adds.
  const fastest = (distance: number) => Math.min(...(samples.get(name + at(distance)) ?? []));
  return ((fastest(FAR_MS) - fastest(0)) / FAR_MS).toFixed(1);
}
