import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, makeWorld, type World } from '../hosts/world.ts';
import { answers, detached, finish, LIMIT_MS, own, ROOT_ARGS } from './run.ts';
import { add, median, ratio, type Samples, type Section, timed } from './samples.ts';
import { steadyPort } from './tunnels.ts';

/** How long each verb takes, beside what it cannot do without and beside the article's own commands. */

export const ARTICLE = "the article's two commands, asking until Jupyter answers";
export const LOGIN = '`ssh HOST true`';
export const QUESTION = 'one question through the tunnel';
export const BOOT = "Jupyter's own start, from exec to its runtime file";
const END = "Jupyter's own end, from SIGTERM on";
const SERVER_END = '… of that from asking the server to its verified end';
const NODE = '`node -e 0`';
const VERSION = '`--version`';
const TAB = 'Tab behind `stop`';

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
      await article(world, sshConfig, samples);
    }
  } finally {
    await world.remove();
  }
  const floor = median(samples, LOGIN) + median(samples, BOOT);
  const findings = [
    `\`start\` takes ${(median(samples, '`start`') / floor).toFixed(2)} times as long as the login and Jupyter's own start together, which nothing can do without, and ${ratio(samples, '`start`', ARTICLE)} times as long as the article's commands.`,
    `\`--version\` takes ${ratio(samples, VERSION, NODE)} times as long as a bare Node, Tab ${ratio(samples, TAB, NODE)} times.`,
    `\`status\` takes ${ratio(samples, '`status`', NODE)} times as long as a bare Node, \`stop\` ${ratio(samples, '`stop`', END)} times as long as Jupyter's own end, and its server ${ratio(samples, SERVER_END, END)} times.`,
  ];
  return [{ title: 'One server', unit: 'ms', samples, findings }];
}

export async function login(world: World, sshConfig: string, samples: Samples, suffix = ''): Promise<void> {
  const args = ['-F', sshConfig, 'loopback', 'true'];
  await timed(samples, LOGIN + suffix, () => finish('ssh', args, world.laptop.env));
}

/** Jupyter's own time: from exec to the runtime file. Ends it again, and waits for that. */
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
 * One server's life on the host that this ssh_config leads to.
 * @param suffix of the rows' names
 * @param meanwhile what else is measured while it runs
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
  const ports = ['--port', String(await steadyPort()), '--local-port', String(localPort)];
  const start = () => own(env, 'start', 'loopback', '-F', sshConfig, '--no-browser', '--json', ...ports);
  await timed(samples, `\`start\`${suffix}`, start);
  const isAnswered = await timed(samples, QUESTION + suffix, () => answers(localPort));
  if (!isAnswered) throw new Error('a server that is started does not answer');
  await timed(samples, `\`start\` that joins${suffix}`, start);
  await timed(samples, `\`status\`${suffix}`, () => own(env, 'status'));
  await meanwhile();
  const stopped = await timed(samples, `\`stop\`${suffix}`, () => own(env, 'stop', '--json'));
  add(samples, SERVER_END + suffix, JSON.parse(stopped).phases.stop);
}

/** The article's first two commands, and then asking until Jupyter answers. */
export async function article(world: World, sshConfig: string, samples: Samples, suffix = ''): Promise<void> {
  const { env } = world.laptop;
  const port = await steadyPort();
  const localPort = await steadyPort();
  const before = new Set(world.processes());
  const ssh = ['ssh', '-F', sshConfig, '-S', 'none'];
  const remote = `cd; jupyter notebook --no-browser --port=${port} ${ROOT_ARGS.join(' ')} >/dev/null 2>&1`;
  const forward = ['-N', '-f', '-L', `localhost:${localPort}:localhost:${port}`];
  await timed(samples, `${ARTICLE}${suffix}`, async () => {
    await detached([...ssh, '-f', 'loopback', remote], env);
    await detached([...ssh, ...forward, 'loopback'], env);
    await eventually('the article is through', () => answers(localPort), LIMIT_MS, 10);
  });
  const left = () => world.processes().filter((pid) => !before.has(pid));
  for (const pid of left()) process.kill(pid, 'SIGTERM');
  await eventually('the article leaves', () => left().length === 0);
}
