import { createServer } from 'node:net';
import { NO_ROOT } from '../hosts/needs.ts';
import { makeNetwork } from '../hosts/network.ts';
import { silentLogin } from '../hosts/silent-login.ts';
import { makeSshd } from '../hosts/sshd.ts';
import { makeWorld, type World } from '../hosts/world.ts';
import { detached, untilAnswer } from './run.ts';
import { add, median, ratio, type Samples, type Section } from './samples.ts';
import { autosshMissing, autosshTunnels, ownTunnels, type Tunnel } from './tunnels.ts';

/** How soon a tunnel works again: the keeper's and autossh's, to the same Jupyter. autossh's ssh has keep-alives of 3 x 5 s. */

const OWN = 'remote-notebook';
const AUTOSSH = '`autossh -M 0`';

/** As many tunnels of each kind, and both to the same Jupyter. */
interface Pairs {
  readonly own: readonly Tunnel[];
  readonly autossh: readonly Tunnel[];
}

async function withPairs<T>(world: World, count: number, measure: (pairs: Pairs) => Promise<T>): Promise<T> {
  try {
    const { tunnels, targetPort } = await ownTunnels(world, count);
    const autossh = await autosshTunnels(world, count, targetPort);
    const result = await measure({ own: tunnels, autossh: autossh.tunnels });
    await autossh.end();
    return result;
  } finally {
    await world.remove();
  }
}

/** What happens to one ssh, or to its sshd. */
export async function measureKills(rounds: number): Promise<Section[]> {
  const missing = autosshMissing();
  if (missing) return [skipped('From `kill -9` of ssh to the next answer', missing)];
  return [await measureKill(rounds), await measureTenKills(), await measureRefusal()];
}

/** From the death of ssh. Each tunnel dies once, since autossh waits longer after repeated deaths. */
async function measureKill(rounds: number): Promise<Section> {
  const samples: Samples = new Map();
  await withPairs(await makeWorld(), rounds, async ({ own, autossh }) => {
    for (const [index, tunnel] of own.entries()) {
      add(samples, OWN, await kill(tunnel));
      add(samples, AUTOSSH, await kill(autossh[index]));
    }
  });
  const findings = [
    `After a \`kill -9\` of ssh, the tunnel needs ${ratio(samples, OWN, AUTOSSH)} times as long as that of autossh.`,
  ];
  return { title: 'From `kill -9` of ssh to the next answer', unit: 'ms', samples, findings };
}

async function kill(tunnel: Tunnel | undefined): Promise<number> {
  if (!tunnel) throw new Error('there are fewer tunnels than rounds');
  process.kill(tunnel.ssh(), 'SIGKILL');
  // Nothing passes without ssh, so the next answer comes through the next ssh.
  return untilAnswer(tunnel.port);
}

const KILLS = 10;
const KILL_EVERY_MS = 2000;

/** A link that flaps: each kill comes two seconds after the one before, or as soon as the tunnel works again. */
async function measureTenKills(): Promise<Section> {
  const samples: Samples = new Map();
  await withPairs(await makeWorld(), 1, async ({ own, autossh }) => {
    for (const [name, [tunnel]] of [
      [OWN, own],
      [AUTOSSH, autossh],
    ] as const)
      for (let count = 0; count < KILLS; count++) {
        const gap = await kill(tunnel);
        add(samples, name, gap / 1000);
        await seconds(Math.max(0, KILL_EVERY_MS - gap) / 1000);
      }
  });
  return {
    title: 'From each of ten kills of ssh in twenty seconds to the next answer',
    unit: 's',
    samples,
    findings: [`The longest gap: ${longest(samples)}.`],
  };
}

const REFUSAL_S = 60;

/** How often a host that closes each connection is asked in a minute, and how soon the tunnel works after that. */
async function measureRefusal(): Promise<Section> {
  const samples: Samples = new Map();
  const tries: Record<string, number> = {};
  for (const name of [OWN, AUTOSSH]) {
    const world = await makeWorld();
    await withPairs(world, 1, async ({ own, autossh }) => {
      const [tunnel] = name === OWN ? own : autossh;
      const [other] = name === OWN ? autossh : own;
      if (!tunnel?.keeper || !other?.keeper) throw new Error('there is no tunnel');
      process.kill(other.keeper, 'SIGSTOP');
      await world.sshd.stop();
      let connections = 0;
      const closer = createServer((socket) => {
        connections++;
        socket.destroy();
      });
      await new Promise<void>((resolve) => closer.listen(world.sshd.port, '127.0.0.1', resolve));
      process.kill(tunnel.ssh(), 'SIGKILL');
      await seconds(REFUSAL_S);
      tries[name] = connections;
      await new Promise((resolve) => closer.close(resolve));
      await world.sshd.start();
      add(samples, name, (await untilAnswer(tunnel.port, 50)) / 1000);
      process.kill(other.keeper, 'SIGCONT');
    });
  }
  return {
    title: `After ${REFUSAL_S} s in which the host closes each connection: the time to the next answer`,
    unit: 's',
    samples,
    findings: [
      `Number of connections in this time: ${[OWN, AUTOSSH].map((name) => `${name} ${tries[name]}`).join(', ')}.`,
    ],
  };
}

const CUTS_S = [5, 20, 90] as const;
const LOGINS_S = [30, 90, 170] as const;

/** What happens to the link, and logins that take minutes. */
export async function measureCuts(): Promise<Section[]> {
  const missing = NO_ROOT || autosshMissing();
  if (missing) return [skipped('From the end of a cut to the next answer', missing)];
  const sections: Section[] = [];
  for (const length of CUTS_S) sections.push(await measureCut(length, 5));
  return [...sections, await measureLogins()];
}

/**
 * From the moment when the link is up again; meanwhile packets vanish, as behind routers. All tunnels share one link, so
 * each cut is the same for all.
 */
async function measureCut(length: number, count: number): Promise<Section> {
  const samples: Samples = new Map();
  const network = makeNetwork({ isFar: true });
  try {
    await withPairs(await makeWorld({ machine: network }), count, async ({ own, autossh }) => {
      network.cut();
      await seconds(length);
      network.restore();
      const measure = async (name: string, { port }: Tunnel) =>
        add(samples, name, (await untilAnswer(port, 50)) / 1000);
      await Promise.all([
        ...own.map((tunnel) => measure(OWN, tunnel)),
        ...autossh.map((tunnel) => measure(AUTOSSH, tunnel)),
      ]);
    });
  } finally {
    network.remove();
  }
  const title = `From the end of a cut of ${length} s to the next answer`;
  const times = [OWN, AUTOSSH].map((name) => `${name} ${median(samples, name).toFixed(1)} s`);
  return {
    title,
    unit: 's',
    samples,
    findings: [`After a cut of ${length} s: ${times.join(', ')}. The longest: ${longest(samples)}.`],
  };
}

/** A reconnect, and a login by plain ssh, during which the host is silent: as while it waits for a confirmation on a phone. */
async function measureLogins(): Promise<Section> {
  const samples: Samples = new Map();
  const named = (name: string, length: number) => `${name}, silent for ${length} s`;
  await Promise.all(
    LOGINS_S.map(async (length) => {
      const [ours, plain] = [silentLogin(), silentLogin()];
      const world = await makeWorld({ sshdConfig: ours.sshdConfig });
      const sshd = await makeSshd({ sshdConfig: plain.sshdConfig });
      try {
        const { tunnels } = await ownTunnels(world, 1);
        for (const { silence } of [ours, plain]) silence(length);
        const begin = performance.now();
        const command = ['ssh', '-F', sshd.sshConfig, 'loopback', 'true'];
        const login = detached(command, world.laptop.env).then(() => performance.now() - begin);
        add(samples, named(OWN, length), (await kill(tunnels[0])) / 1000);
        add(samples, named('`ssh HOST true`', length), (await login) / 1000);
      } finally {
        await world.remove();
        await sshd.remove();
      }
    }),
  );
  return {
    title: 'From `kill -9` of ssh to the next answer, if the next login prints nothing for a long time',
    unit: 's',
    samples,
    findings: [`${OWN} waits for each of these logins, and logs in once.`],
  };
}

function longest(samples: Samples): string {
  return [...samples].map(([name, values]) => `${name} ${Math.max(...values).toFixed(1)} s`).join(', ');
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}

function skipped(title: string, missing: string): Section {
  return { title, unit: 'ms', samples: new Map(), findings: [`Not measured: ${missing}.`] };
}
