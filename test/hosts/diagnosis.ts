import assert from 'node:assert/strict';
import { ports } from './sshd.ts';
import { makeWorld, type World, type WorldOptions } from './world.ts';

/** One layer, as `doctor --json` has it. */
export interface Check {
  readonly name: string;
  readonly verdict: string;
  readonly found: string;
  readonly fix?: string;
}

/** A world in which all that doctor looks at is as it should be, but for what the options say. */
export async function makeHealthy(options: WorldOptions = {}): Promise<World> {
  const world = await makeWorld(options);
  world.laptop.env.BROWSER = 'true';
  return world;
}

/** What doctor says of the world's host. */
export async function diagnosis(
  { laptop }: World,
  ...args: string[]
): Promise<{ code: number | null; checks: Check[] }> {
  const { code, stdout, stderr } = await laptop.run('doctor', 'loopback', '{F}', '--json', ...args);
  assert.match(stdout, /^\{/, stderr);
  return { code, checks: JSON.parse(stdout).checks };
}

/** The one layer that is not as it should be: what is found there, and below it what to do. Its exit status fits. */
export async function only(
  world: World,
  name: string,
  verdict: 'warning' | 'failed',
  ...args: string[]
): Promise<string> {
  const { code, checks } = await diagnosis(world, ...(await ports()), ...args);
  const wrong = checks.filter((check) => check.verdict === 'warning' || check.verdict === 'failed');
  assert.deepEqual(
    wrong.map((check) => [check.name, check.verdict]),
    [[name, verdict]],
    JSON.stringify(wrong, undefined, 2),
  );
  assert.equal(code, verdict === 'failed' ? 1 : 0);
  return `${wrong[0]?.found}\n${wrong[0]?.fix}`;
}

/** What is found at a layer that is as it should be. */
export async function fine(world: World, name: string, ...args: string[]): Promise<string> {
  const { checks } = await diagnosis(world, ...(await ports()), ...args);
  const check = checks.find((each) => each.name === name);
  assert.equal(check?.verdict, 'ok', JSON.stringify(check));
  return check?.found ?? '';
}
