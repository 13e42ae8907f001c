import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, makeWorld, type World } from '../hosts/world.ts';
import { answers, detached, finish, LIMIT_MS, own, ROOT_ARGS } from './run.ts';
import { add, median, ratio, type Samples, type Section, timed } from './samples.ts';
import { steadyPort } from './tunnels.ts';

/** The time of each verb, beside the steps that it cannot avoid and beside the commands typed by hand. */

export const BY_HAND = 'the two commands by hand, until Jupyter answers';
export const LOGIN = '`ssh HOST true`';
export const REQUEST = 'one request through the tunnel';
export const BOOT = 'Jupyter alone: from its exec to its runtime file';
const END = 'Jupyter alone: from SIGTERM to its end';
const SERVER_END = '`stop`: the part from the request to the verified end of the server';
const NODE = '`node -e 0`';
export const JOIN = '`start` of a server that is running';
const VERSION = '`--version`';
const TAB = 'pressing Tab after `remote-notebook stop`';

export async function measureVerbs(rounds: number): Promise<Section[]> {
  const samples: Samples = new Map();
  const world = await makeWorld();
  const { sshConfig } = world.sshd;
  try {
    for (let count = 0; count < rounds; count++) {
      await timed(samples, NODE, () => finish(process.execPath, ['-e', '0'], world.laptop.env));
      await timed(samples, VERSION, () => own(world.laptop.env, '--version'));
      await login(world, sshConfig, samples);
      await bootJupyter(world, samples);
      await oneServer(world, sshConfig, samples, '', () =>
        timed(samples, TAB, () => own(world.laptop.env, 'completion', '--words', 'stop', '')),
      );
      await byHand(world, sshConfig, samples);
    }
  } finally {
    await world.remove();
  }
  const floor = median(samples, LOGIN) + median(samples, BOOT);
  const startRatio = (median(samples, '`start`') / floor).toFixed(2);
  const findings = [
    `\`start\` takes ${startRatio} times as long as a login and Jupyter's own start, which no start can avoid, and ${ratio(samples, '`start`', BY_HAND)} times as long as the commands by hand.`,
    `Compared with a bare \`node -e 0\`, \`--version\` takes ${ratio(samples, VERSION, NODE)} times as long, pressing Tab ${ratio(samples, TAB, NODE)} times, and \`status\` ${ratio(samples, '`status`', NODE)} times.`,
    `\`stop\` takes ${ratio(samples, '`stop`', END)} times as long as Jupyter needs to end after SIGTERM; from the request to the verified end of the server, it takes ${ratio(samples, SERVER_END, END)} times as long.`,
  ];
  return [{ title: 'One server', unit: 'ms', samples, findings }];
}

export async function login(world: World, sshConfig: string, samples: Samples, suffix = ''): Promise<void> {
  const args = ['-F', sshConfig, 'loopback', 'true'];
  await timed(samples, LOGIN + suffix, () => finish('ssh', args, world.laptop.env));
}

/** Times Jupyter alone: from its exec to its runtime file, and from SIGTERM to its end. */
export async function bootJupyter(world: World, samples: Samples): Promise<void> {
  const runtime = join(world.home, 'floor');
  mkdirSync(runtime, { recursive: true });
  const env = { ...world.laptop.env, HOME: world.home, JUPYTER_RUNTIME_DIR: runtime };
  const args = ['notebook', '--no-browser', '--ip=127.0.0.1', `--port=${await steadyPort()}`, ...ROOT_ARGS];
  const child = spawn('jupyter', args, { env, stdio: 'ignore', cwd: world.home });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const files = ['nbserver', 'jpserver'].map((kind) => join(runtime, `${kind}-${child.pid}.json`));
  const isUp = () => files.some((file) => existsSync(file));
  await timed(samples, BOOT, () => eventually('Jupyter is up', isUp, LIMIT_MS, 1));
  await timed(samples, END, () => {
    child.kill('SIGTERM');
    return ended;
  });
}

/**
 * Starts, joins, shows and stops one server on the host that this ssh_config names.
 * @param suffix the ending of the rows' names
 * @param meanwhile what else is measured while the server runs
 */
export async function oneServer(
  world: World,
  sshConfig: string,
  samples: Samples,
  suffix = '',
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<void> {
  const { env } = world.laptop;
  const localPort = await steadyPort();
  const options = ['-F', sshConfig, '--no-browser', '--json', '--local-port', String(localPort)];
  const start = () => own(env, 'start', 'loopback', ...options);
  await timed(samples, `\`start\`${suffix}`, start);
  const isAnswered = await timed(samples, REQUEST + suffix, () => answers(localPort));
  if (!isAnswered) throw new Error('the server was started, but does not answer');
  await timed(samples, JOIN + suffix, start);
  await timed(samples, `\`status\`${suffix}`, () => own(env, 'status'));
  await meanwhile();
  const stopped = await timed(samples, `\`stop\`${suffix}`, () => own(env, 'stop', '--json'));
  add(samples, SERVER_END + suffix, JSON.parse(stopped).phases.stop);
}

/** Types the two commands that start a server by hand, and sends requests until Jupyter answers. */
export async function byHand(world: World, sshConfig: string, samples: Samples, suffix = ''): Promise<void> {
  const { env } = world.laptop;
  const port = await steadyPort();
  const localPort = await steadyPort();
  const before = new Set(world.processes());
  const ssh = ['ssh', '-F', sshConfig, '-S', 'none'];
  const remote = `cd; jupyter notebook --no-browser --port=${port} ${ROOT_ARGS.join(' ')} >/dev/null 2>&1`;
  const forward = ['-N', '-f', '-L', `localhost:${localPort}:localhost:${port}`];
  await timed(samples, `${BY_HAND}${suffix}`, async () => {
    await detached([...ssh, '-f', 'loopback', remote], env);
    await detached([...ssh, ...forward, 'loopback'], env);
    await eventually('Jupyter answers', () => answers(localPort), LIMIT_MS, 10);
  });
  const left = () => world.processes().filter((pid) => !before.has(pid));
  for (const pid of left()) process.kill(pid, 'SIGTERM');
  await eventually('the two commands have ended', () => left().length === 0);
}
