import assert from 'node:assert/strict';
import { ownLocalPort } from './sshd.ts';
import { makeWorld, type World, type WorldOptions } from './world.ts';

/** One check, as `doctor --json` prints it. */
export interface Check {
  readonly name: string;
  readonly verdict: string;
  readonly found: string;
  readonly fix?: string;
}

/** A world in which every check of doctor passes, except for what the options change. */
export async function makeHealthy(options: WorldOptions = {}): Promise<World> {
  const world = await makeWorld(options);
  world.laptop.env.BROWSER = 'true';
  return world;
}

/** The result of doctor for the test host. */
export async function diagnosis(
  { laptop }: World,
  ...args: string[]
): Promise<{ code: number | null; checks: Check[] }> {
  const { code, stdout, stderr } = await laptop.run('doctor', 'loopback', '{F}', '--json', ...args);
  assert.match(stdout, /^\{/, stderr);
  return { code, checks: JSON.parse(stdout).checks };
}

/** The finding and the remedy of the only check that fails. The exit status must match. */
export async function only(
  world: World,
  name: string,
  verdict: 'warning' | 'failed',
  ...args: string[]
): Promise<string> {
  const { code, checks } = await diagnosis(world, ...(await ownLocalPort()), ...args);
  const wrong = checks.filter((check) => check.verdict === 'warning' || check.verdict === 'failed');
  assert.deepEqual(
    wrong.map((check) => [check.name, check.verdict]),
    [[name, verdict]],
    JSON.stringify(wrong, undefined, 2),
  );
  assert.equal(code, verdict === 'failed' ? 1 : 0);
  return `${wrong[0]?.found}\n${wrong[0]?.fix}`;
}

/** The finding of a check that passes. */
export async function fine(world: World, name: string, ...args: string[]): Promise<string> {
  const { checks } = await diagnosis(world, ...(await ownLocalPort()), ...args);
  const check = checks.find((each) => each.name === name);
  assert.equal(check?.verdict, 'ok', JSON.stringify(check));
  return check?.found ?? '';
}
