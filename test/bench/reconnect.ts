import { NO_ROOT } from '../hosts/needs.ts';
import { makeNetwork } from '../hosts/network.ts';
import { makeWorld } from '../hosts/world.ts';
import { untilAnswer } from './run.ts';
import { add, median, ratio, type Samples, type Section } from './samples.ts';
import { autosshLacks, autosshTunnels, ownTunnels, type Tunnel } from './tunnels.ts';

/** How soon a tunnel answers again: the keeper's beside autossh's, to the same Jupyter, with the same keep-alives. */

const OWN = 'remote-notebook';
const AUTOSSH = '`autossh -M 0`';

/** From the death of ssh on. Each tunnel dies once: both wait longer when deaths come one after another. */
export async function measureKills(rounds: number): Promise<Section[]> {
  const lacks = autosshLacks();
  if (lacks) return skipped('ssh is killed', lacks);
  const samples: Samples = new Map();
  const world = await makeWorld();
  try {
    const { tunnels, targetPort } = await ownTunnels(world, rounds);
    const autossh = await autosshTunnels(world, rounds, targetPort);
    for (const [index, tunnel] of tunnels.entries()) {
      add(samples, OWN, await kill(tunnel));
      add(samples, AUTOSSH, await kill(autossh.tunnels[index]));
    }
    await autossh.end();
  } finally {
    await world.remove();
  }
  const title = '`kill -9` of ssh, until the next answer';
  const findings = [
    `After a \`kill -9\` of ssh the tunnel needs ${ratio(samples, OWN, AUTOSSH)} times as long as autossh's.`,
  ];
  return [{ title, unit: 'ms', samples, findings }];
}

async function kill(tunnel: Tunnel | undefined): Promise<number> {
  if (!tunnel) throw new Error('there are fewer tunnels than rounds');
  process.kill(tunnel.ssh(), 'SIGKILL');
  // The dead one's socket goes with it, so an answer is the next one's.
  return untilAnswer(tunnel.port);
}

/** Shorter than the keep-alive, and longer than it and some of autossh's pauses. */
const CUTS_S = [8, 90] as const;

/** From "the link is up again" on. All tunnels hang on one link, so each cut is the same for all of them. */
export async function measureCuts(): Promise<Section[]> {
  const lacks = NO_ROOT ?? autosshLacks();
  if (lacks) return skipped('the link is cut', lacks);
  const sections: Section[] = [];
  for (const seconds of CUTS_S) sections.push(await measureCut(seconds, 5));
  return sections;
}

async function measureCut(seconds: number, count: number): Promise<Section> {
  const samples: Samples = new Map();
  const network = makeNetwork();
  const world = await makeWorld({ machine: network });
  try {
    const { tunnels, targetPort } = await ownTunnels(world, count);
    const autossh = await autosshTunnels(world, count, targetPort);
    network.cut();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    network.restore();
    const measure = async (name: string, tunnel: Tunnel) =>
      add(samples, name, (await untilAnswer(tunnel.port, 50)) / 1000);
    await Promise.all([
      ...tunnels.map((tunnel) => measure(OWN, tunnel)),
      ...autossh.tunnels.map((tunnel) => measure(AUTOSSH, tunnel)),
    ]);
    await autossh.end();
  } finally {
    await world.remove();
    network.remove();
  }
  const title = `The link is up again after ${seconds} s, until the next answer`;
  const seen = [OWN, AUTOSSH].map((name) => `${name} ${median(samples, name).toFixed(1)} s`);
  return { title, unit: 's', samples, findings: [`After a cut of ${seconds} s: ${seen.join(', ')}.`] };
}

function skipped(what: string, lacks: string): Section[] {
  return [
    { title: what, unit: 'ms', samples: new Map(), findings: [`Not measured here, ${what}: ${lacks}.`] },
  ];
}
