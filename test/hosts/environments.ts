import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failed } from './failure.ts';
import { ports } from './sshd.ts';
import { traces } from './traces.ts';
import { makeVenv } from './venv.ts';
import { eventually, type World } from './world.ts';

/** The directory of the servers in these tests. */
export function workOf(world: World): string {
  const work = join(world.home, "it's work");
  mkdirSync(work, { recursive: true });
  return work;
}

export function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A conda environment: a prefix with a folder conda-meta, and an activation script that needs bash, as many do. */
export function makeCondaEnvironment(prefix: string): void {
  makeVenv(prefix);
  mkdirSync(join(prefix, 'conda-meta'));
  const script = "function greet() { echo hello; }\ngreet\nexport FROM_ACTIVATION=$'two\\nlines, '\"it's\"\n";
  write(join(prefix, 'etc/conda/activate.d/greet.sh'), script);
}

/** The arguments of a start in this environment. */
export function startWords(world: World, environment: string): string[] {
  const words = ['start', 'loopback', '{F}', '--no-browser', '--json', '--directory', workOf(world)];
  return environment === '' ? words : [...words, '--environment', environment];
}

/** Starts in this environment, joins from another laptop, and returns the server and its variables. */
export async function startedIn(world: World, environment: string, ...more: readonly string[]) {
  const words = [...startWords(world, environment), ...more];
  const started = await world.laptop.run(...words, ...(await ports()));
  assert.equal(started.code, 0, started.stderr);
  const { jupyter: server, phases } = JSON.parse(started.stdout);
  const joined = await world.anotherLaptop().run(...words);
  assert.equal(joined.code, 0, joined.stderr);
  assert.deepEqual(
    [JSON.parse(joined.stdout).joined, JSON.parse(joined.stdout).jupyter.pid],
    [true, server.pid],
  );
  const read = (file: string) => readFileSync(`/proc/${server.pid}/${file}`, 'utf8').split('\0');
  return { server, phases, program: read('cmdline')[0], variables: read('environ') };
}

/** The error output of a start in this environment, which must fail. */
export async function failureIn(
  world: World,
  environment: string,
  ...more: readonly string[]
): Promise<string> {
  return failed(world, await world.laptop.run(...startWords(world, environment), ...more));
}

/** Stops the server, after which nothing of it is left on the host, not even a wrapper. */
export async function stopAll(world: World): Promise<void> {
  const stopped = await world.laptop.run('stop');
  assert.equal(stopped.code, 0, stopped.stderr);
  await eventually('nothing is left but the other laptop', () => hostTraces(world).length === 0).catch(() =>
    assert.deepEqual(hostTraces(world), []),
  );
}

function hostTraces(world: World): string[] {
  return traces(world, world.laptop).filter(
    (trace) => !/: (sh|\/bin\/sh|ssh|sshd)\b|sshd: | --keep /.test(trace),
  );
}
