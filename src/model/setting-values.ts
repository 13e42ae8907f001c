import { absoluteSshConfig } from '../ssh/config-file.ts';
import { UsageError } from '../system/errors.ts';
import { parseEnvironment } from './environment.ts';

/** The types of settings. Each function verifies a value of `option` and returns its normal form. */
const TYPES = {
  line: verifyLine,
  lines: (lines: readonly string[], option: string) => lines.map((line) => verifyLine(line, option)),
  environment: verifyEnvironment,
  file: (file: string, option: string) => absoluteSshConfig(verifyLine(file, option)),
  duration: (text: string, option: string) => durationText(parseDuration(text, option)),
  port: verifyPort,
  launcher: verifyLauncher,
  count: verifyCount,
  size: (text: string, option: string) =>
    matching(text, option, SIZE, 'a size', 'Write a number and a unit: 500M, 16G, 1T').toUpperCase(),
  gpus: (text: string, option: string) =>
    matching(
      String(text),
      option,
      GPUS,
      'a number of GPUs',
      'Write a number, or a type and a number: 2, a100:2',
    ),
  word: (text: string, option: string) =>
    matching(text, option, WORD, 'a name', 'Use the name as the cluster lists it, without spaces.'),
  switch: (isOn: boolean) => isOn,
};

export type ValueType = keyof typeof TYPES;

/** What a user may set for a setting of type `T`. */
export type ValueOf<T extends ValueType> = Parameters<(typeof TYPES)[T]>[0];

/** Returns the normal form of a value. @throws UsageError when it is not valid */
export function verified(type: ValueType, value: unknown, option: string): unknown {
  return TYPES[type](value as never, option);
}

function verifyLine(value: string, option: string): string {
  if (!/[\0\r\n]/.test(value)) return value;
  throw new UsageError(`--${option} contains a line break, which cannot be sent to the host`);
}

function verifyEnvironment(environment: string, option: string): string {
  parseEnvironment(verifyLine(environment, option));
  return environment;
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}

function verifyPort(port: number, option: string): number {
  if (isPort(port)) return port;
  const problem = Number.isNaN(port) ? 'is not a number' : `is ${port}`;
  throw new UsageError(`--${option} ${problem}: a port is a whole number from 1 to 65535`);
}

/** What can run a server: a process of the host itself, or a job of a batch scheduler. */
export const LAUNCHERS = ['direct', 'slurm', 'gridengine'] as const;
export type LauncherName = (typeof LAUNCHERS)[number];

function verifyLauncher(text: string, option: string): LauncherName {
  const found = LAUNCHERS.find((name) => name === text);
  if (found) return found;
  throw new UsageError(`--${option} is "${text}", which is not a launcher`, {
    remedy: `Write one of: ${LAUNCHERS.join(', ')}`,
  });
}

const SIZE = /^[1-9]\d{0,8}[KMGT]$/i;
const GPUS = /^([A-Za-z][\w.-]*:)?[1-9]\d{0,3}$/;
const WORD = /^[^\s\p{Cc}'"\\-][^\s\p{Cc}'"\\]*$/u;

function matching(text: string, option: string, pattern: RegExp, what: string, remedy: string): string {
  if (pattern.test(text)) return text;
  throw new UsageError(`--${option} is "${text}", which is not ${what}`, { remedy });
}

const MAX_COUNT = 100_000;

function verifyCount(count: number, option: string): number {
  if (Number.isInteger(count) && count >= 1 && count <= MAX_COUNT) return count;
  throw new UsageError(`--${option} is ${count}, which is not a whole number from 1 to ${MAX_COUNT}`);
}

const UNITS_S = { d: 86_400, h: 3600, m: 60 } as const;

/** Seconds of a duration such as 90m, 8h or 2d. */
export function parseDuration(text: string, option: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([mhd])$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * UNITS_S[unit as keyof typeof UNITS_S];
  throw new UsageError(`--${option} is "${text}", which is not a duration`, {
    remedy: 'Write minutes, hours or days: 90m, 8h, 2d',
  });
}

function durationText(seconds: number): string {
  const [unit, length] = Object.entries(UNITS_S).find(([, length]) => seconds % length === 0) ?? ['m', 60];
  return `${seconds / length}${unit}`;
}
