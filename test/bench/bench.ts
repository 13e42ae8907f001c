import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { request } from 'node:http';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../hosts/sshd.ts';
import { eventually, makeWorld, PROGRAM, type World } from '../hosts/world.ts';
import { measureReconnects } from './reconnect.ts';

/**
 * How long each verb takes, beside what it cannot do without and beside the article's own commands: all on one
 * loopback host, in turns, in one run. Usage: bench.ts [ROUNDS]
 */

const ROUNDS = Math.max(5, Number(process.argv[2] ?? 7));
const [NODE = '', CLI = ''] = PROGRAM;
/** Rented boxes and containers log in as root, where Jupyter wants to be asked twice. */
const ROOT_ARGS = process.getuid?.() === 0 ? ['--allow-root'] : [];

type Samples = Map<string, number[]>;

async function timed(samples: Samples, name: string, work: () => Promise<unknown>): Promise<void> {
  const begin = performance.now();
  await work();
  const times = samples.get(name) ?? [];
  times.push(performance.now() - begin);
  samples.set(name, times);
}

/** Runs a command to its end; one that fails ends the bench. */
function finish(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { env }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(' ')}: ${stderr}`));
      else resolve(stdout);
    });
  });
}

/** Jupyter's own time: from exec to the runtime file. Ends it again, and waits for that. */
async function bootJupyter(world: World, samples: Samples): Promise<void> {
  const runtime = join(world.home, 'floor');
  mkdirSync(runtime, { recursive: true });
  const env = { ...world.laptop.env, HOME: world.home, JUPYTER_RUNTIME_DIR: runtime };
  const port = await freePort();
  const args = ['notebook', '--no-browser', '--ip=127.0.0.1', `--port=${port}`, ...ROOT_ARGS];
  const child = spawn('jupyter', args, { env, stdio: 'ignore', cwd: world.home });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const files = ['nbserver', 'jpserver'].map((kind) => join(runtime, `${kind}-${child.pid}.json`));
  await timed(samples, 'jupyter: exec to runtime file', async () => {
    while (!files.some((file) => existsSync(file))) await new Promise((resolve) => setTimeout(resolve, 1));
  });
  await timed(samples, 'jupyter: TERM to exit', () => {
    child.kill('SIGTERM');
    return ended;
  });
}

/** The article's first two commands, and then asking until Jupyter answers. */
async function article(world: World, samples: Samples): Promise<void> {
  const { sshd, laptop } = world;
  const port = await freePort();
  const before = new Set(world.processes());
  const ssh = ['-F', sshd.sshConfig, '-S', 'none'];
  const remote = `cd; jupyter notebook --no-browser --port=${port} ${ROOT_ARGS.join(' ')} >/dev/null 2>&1`;
  await timed(samples, "the article's two commands, and a poll", async () => {
    await detached(['ssh', ...ssh, '-f', 'loopback', remote], laptop.env);
    await detached(
      ['ssh', ...ssh, '-N', '-f', '-L', `localhost:${port + 1}:localhost:${port}`, 'loopback'],
      laptop.env,
    );
    while (!(await answers(port + 1))) await new Promise((resolve) => setTimeout(resolve, 10));
  });
  const left = () => world.processes().filter((pid) => !before.has(pid));
  for (const pid of left()) process.kill(pid, 'SIGTERM');
  await eventually('the article leaves', () => left().length === 0);
}

/** What ends when its first process does, whatever that leaves behind. */
function detached([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: 'ignore' });
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`)),
    );
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const query = request({ host: '127.0.0.1', port, path: '/api', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    query.once('error', () => resolve(false));
    query.end();
  });
}

async function round(world: World, samples: Samples): Promise<void> {
  const { laptop, sshd } = world;
  const own = (...args: string[]) => finish(NODE, [CLI, ...args], laptop.env);
  const port = String(await freePort());
  const localPort = String(await freePort());
  const start = () =>
    own(
      'start',
      'loopback',
      '-F',
      sshd.sshConfig,
      '--no-open',
      '--json',
      '--port',
      port,
      '--local-port',
      localPort,
    );
  await timed(samples, 'node -e 0', () => finish(process.execPath, ['-e', '0'], laptop.env));
  await timed(samples, 'ssh HOST true', () =>
    finish('ssh', ['-F', sshd.sshConfig, 'loopback', 'true'], laptop.env),
  );
  await bootJupyter(world, samples);
  await timed(samples, 'start', start);
  await timed(samples, 'start, joining', start);
  await timed(samples, 'status', () => own('status'));
  await timed(samples, 'stop', () => own('stop'));
  await article(world, samples);
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function report(samples: Samples): void {
  console.log(
    `${ROUNDS} rounds on ${cpus()[0]?.model} (${cpus().length} cores), Node ${process.version}; ms\n`,
  );
  console.log(
    `| ${'what'.padEnd(40)} | median |   min |   max |\n| ${'-'.repeat(40)} | -----: | ----: | ----: |`,
  );
  for (const [name, times] of samples) {
    const cells = [median(times), Math.min(...times), Math.max(...times)].map((ms) =>
      Math.round(ms).toString(),
    );
    console.log(
      `| ${name.padEnd(40)} | ${cells[0]?.padStart(6)} | ${cells[1]?.padStart(5)} | ${cells[2]?.padStart(5)} |`,
    );
  }
  const of = (name: string) => median(samples.get(name) ?? []);
  const floor = of('ssh HOST true') + of('jupyter: exec to runtime file');
  const ratio = (ms: number) => ms.toFixed(2);
  console.log(
    `\nstart is ${ratio(of('start') / floor)} times its floor (ssh HOST true + Jupyter's own time)`,
  );
  console.log(
    `start is ${ratio(of('start') / of("the article's two commands, and a poll"))} times the article's commands`,
  );
  console.log(`status is ${ratio(of('status') / of('node -e 0'))} times a bare node`);
  console.log(`stop is ${ratio(of('stop') / of('jupyter: TERM to exit'))} times Jupyter's own end`);
}

const world = await makeWorld();
const samples: Samples = new Map();
try {
  for (let count = 0; count < ROUNDS; count++) await round(world, samples);
} finally {
  await world.remove();
}
const reconnects = await measureReconnects(ROUNDS);
if (reconnects) {
  samples.set('kill -9 of ssh to the next answer', reconnects.keeperMs);
  samples.set('the same with autossh -M 0', reconnects.autosshMs);
}
report(samples);
if (reconnects) {
  console.log(
    `the keeper has ${reconnects.keeperPss} kB of its own (Pss), autossh ${reconnects.autosshPss} kB`,
  );
}
