import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type Cluster, makeCluster, NO_CLUSTER } from '../hosts/slurm/cluster.ts';
import { eventually } from '../hosts/world.ts';
import { LIMIT_MS, own } from './run.ts';
import { add, median, type Samples, type Section, timed } from './samples.ts';
import { steadyPort } from './tunnels.ts';
import { LOGIN, login } from './verbs.ts';

/** A server in a batch job, beside the steps that no start of one can avoid, and beside a plain tunnel to its node. */

const START = '`start`: until the API answers';
const QUEUE = 'Slurm alone: from `sbatch` to the first command of the job';
const BOOT = 'Jupyter alone, in a job: from its exec to its runtime file';
const OWN_PART = "`start`, less the queue and Jupyter's own start";
const THROUGH = 'one request through the tunnel';
const PLAIN = 'one request through plain `ssh -L`, by way of the login node';

/** How many requests are measured in each round. */
const REQUESTS = 30;

export async function measureCluster(rounds: number): Promise<Section[]> {
  const title = 'A server in a batch job';
  if (NO_CLUSTER !== false)
    return [{ title, unit: 'ms', samples: new Map(), findings: [`Not measured: ${NO_CLUSTER}.`] }];
  const samples: Samples = new Map();
  const requests: Samples = new Map();
  const cluster = await makeCluster();
  try {
    for (let count = 0; count < rounds; count++) {
      await login(cluster.world, cluster.world.sshd.sshConfig, samples);
      await jupyterInJob(cluster, samples);
      await oneServer(cluster, samples, requests);
      const [start = 0, queue = 0, boot = 0] = [START, QUEUE, BOOT].map((name) => samples.get(name)?.at(-1));
      add(samples, OWN_PART, start - queue - boot);
    }
  } finally {
    await cluster.remove();
  }
  const floor = median(samples, QUEUE) + median(samples, BOOT) + median(samples, LOGIN);
  const more = median(requests, THROUGH) - median(requests, PLAIN);
  const findings = [
    `\`start\` takes ${(median(samples, START) / floor).toFixed(2)} times as long as a login, the queue and Jupyter's own start, which no start in a job can avoid.`,
  ];
  const compared = [
    `A request through the tunnel takes ${more.toFixed(1)} ms longer than one by plain \`ssh -L\`.`,
  ];
  return [
    { title, unit: 'ms', samples, findings },
    { title: 'Requests to a server in a batch job', unit: 'ms', samples: requests, findings: compared },
  ];
}

/** Times the queue, and Jupyter alone, in a job that anybody could submit by hand. */
async function jupyterInJob(cluster: Cluster, samples: Samples): Promise<void> {
  const { user, on } = cluster;
  const place = join(user.home, 'floor');
  const script = `echo > ${quoted(`${place}/begun`)}; export JUPYTER_RUNTIME_DIR=${quoted(place)}; exec jupyter notebook --no-browser`;
  on('front', `rm -rf ${quoted(place)}; mkdir ${quoted(place)}`, user);
  // A shell on the login node is there before: only the scheduler's own time counts.
  const submit = `sbatch --parsable --export=NONE --output=/dev/null --wrap ${quoted(script)}`;
  let id = '';
  await timed(samples, QUEUE, async () => {
    id = on('front', submit, user).trim();
    await eventually('the job runs', () => existsSync(join(place, 'begun')), LIMIT_MS, 1);
  });
  const isUp = () => readdirSync(place).some((name) => /^(nb|jp)server-\d+\.json$/.test(name));
  await timed(samples, BOOT, () => eventually('Jupyter is up', isUp, LIMIT_MS, 1));
  await end(cluster, id);
}

/** Starts and stops one server, and sends requests to it in turn by its tunnel and by a plain one. */
async function oneServer(cluster: Cluster, samples: Samples, requests: Samples): Promise<void> {
  const { laptop, sshd } = cluster.world;
  const port = await steadyPort();
  const options = ['--launcher', 'slurm', '--no-browser', '--json', '--local-port', String(port)];
  const shown = await timed(samples, START, () =>
    own(laptop.env, 'start', 'loopback', '-F', sshd.sshConfig, ...options),
  );
  const { jupyter, job } = JSON.parse(shown);
  const state = JSON.parse(readFileSync(join(laptop.stateFolder, 'state.json'), 'utf8'));
  const { token } = state.servers.loopback.jupyter;
  const plain = await plainTunnel(cluster, job.node, jupyter.socket);
  try {
    for (const each of [port, plain.port]) await answer(each, token);
    for (let count = 0; count < REQUESTS; count++) {
      await timed(requests, THROUGH, () => answer(port, token));
      await timed(requests, PLAIN, () => answer(plain.port, token));
    }
  } finally {
    plain.end();
  }
  await own(laptop.env, 'stop', 'loopback', '--yes', '--json');
  await end(cluster, job.id);
}

/** `ssh -L` to a socket of a node, through an ssh to the login node. */
async function plainTunnel({ world }: Cluster, node: string, socket: string) {
  const port = await steadyPort();
  const config = world.sshd.sshConfig;
  const proxy = `ssh -F ${quoted(config)} -W ${node}:22 loopback`;
  const child = execFile('ssh', [
    ...['-F', config, '-o', `ProxyCommand=${proxy}`, '-o', 'StrictHostKeyChecking=no'],
    ...['-o', 'UserKnownHostsFile=/dev/null', '-N', '-L', `127.0.0.1:${port}:${socket}`, 'loopback'],
  ]);
  const isUp = () =>
    answer(port, '').then(
      () => true,
      () => false,
    );
  await eventually('the plain tunnel is up', isUp, LIMIT_MS);
  return { port, end: () => void child.kill() };
}

function answer(port: number, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `token ${token}` };
    const query = request(
      { host: '127.0.0.1', port, path: '/api/status', headers, agent: false },
      (response) => {
        response.resume().once('end', resolve);
      },
    );
    query.once('error', reject).end();
  });
}

async function end({ on }: Cluster, id: string): Promise<void> {
  on('front', `scancel ${id}`);
  await eventually('the job has ended', () => on('front', 'squeue -h -o %i') === '', LIMIT_MS);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
