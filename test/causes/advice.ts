import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nothingIsLeft } from '../hosts/traces.ts';
import type { World } from '../hosts/world.ts';

/** What a user reads about a connection that fails. */
export interface Advice {
  /** What went wrong, in the message of `start`. */
  readonly said: string;
  /** What to do: `start` and `doctor` show the same text. */
  readonly remedy: string;
  /** The check of `doctor` that fails. */
  readonly step: string;
}

/**
 * Runs `start` and `doctor`, which must fail with the same remedy, and returns it. Nothing is left of either. The
 * folder of the sshd is shown as SSHD.
 */
export async function advice(
  world: World,
  config = world.sshd.sshConfig,
  ...args: readonly string[]
): Promise<Advice> {
  const { laptop } = world;
  const start = await laptop.run('start', 'loopback', '-F', config, '--no-browser', ...args);
  assert.notEqual(start.code, 0, start.stdout);
  await nothingIsLeft(world);
  const doctor = await laptop.run('doctor', 'loopback', '-F', config, '--json', ...args);
  assert.equal(doctor.code, 1, doctor.stdout + doctor.stderr);
  const checks: { name: string; verdict: string; found: string; fix?: string }[] = JSON.parse(
    doctor.stdout,
  ).checks;
  const failed = checks.filter(({ verdict }) => verdict === 'failed');
  const shown = (text: string) => text.replaceAll(world.sshd.folder, 'SSHD').replaceAll(world.home, 'HOME');
  const lines = start.stderr
    .slice(start.stderr.indexOf('Error: ') + 'Error: '.length)
    .trimEnd()
    .split('\n');
  const remedy = lines.at(-1) ?? '';
  assert.deepEqual(
    failed.map(({ fix }) => fix),
    [remedy],
    `start: ${start.stderr}\ndoctor: ${JSON.stringify(failed)}`,
  );
  return { said: shown(lines.slice(0, -1).join('\n')), remedy: shown(remedy), step: failed[0]?.name ?? '' };
}

let variants = 0;

/** Writes a changed copy of the ssh_config of the world's host, and returns its path. */
export function variant({ sshd: { folder, sshConfig } }: World, change: (text: string) => string): string {
  const path = join(folder, `ssh_config${++variants}`);
  writeFileSync(path, change(readFileSync(sshConfig, 'utf8')));
  return path;
}

/** The same, with lines that take precedence over those for the host. */
export function withLines(world: World, ...lines: readonly string[]): string {
  return variant(world, (text) => text.replace('Host loopback\n', `Host loopback\n${lines.join('\n')}\n`));
}
