import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt } from '../../src/system/errors.ts';
import { type ProcessIdentity, startTimeOf } from '../../src/system/process.ts';

/** A demo keeps all its files in one folder. */
export interface Demo {
  readonly folder: string;
  /** The home folder on the demo's host. */
  readonly home: string;
  /** The local XDG_STATE_HOME. */
  readonly state: string;
}

const PREFIX = 'rn-demo-';

/** TMPDIR, unless it is too long for the paths of sockets, as on macOS. */
function parentFolder({ TMPDIR }: NodeJS.ProcessEnv): string {
  return TMPDIR && Buffer.byteLength(TMPDIR) <= 28 ? TMPDIR : '/tmp';
}

export async function makeDemoFolder(env: NodeJS.ProcessEnv): Promise<Demo> {
  const demo = demoIn(mkdtempSync(join(parentFolder(env), PREFIX)));
  writeFileSync(ownerFile(demo), `${process.pid} ${await startTimeOf(process.pid)}`);
  mkdirSync(demo.home);
  mkdirSync(demo.state);
  return demo;
}

/** The demos of this user that are running, or have crashed. */
export function findDemos(env: NodeJS.ProcessEnv): Demo[] {
  const parent = parentFolder(env);
  const folders = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders
    .filter(({ name }) => name.startsWith(PREFIX))
    .map(({ name }) => join(parent, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.uid === process.getuid?.())
    .map(demoIn);
}

function demoIn(folder: string): Demo {
  return { folder, home: join(folder, 'home'), state: join(folder, 'state') };
}

/** The process that started the demo. */
export function ownerOf(demo: Demo): ProcessIdentity | undefined {
  const text = attempt(() => readFileSync(ownerFile(demo), 'utf8'));
  const [, pid, startTime] = /^(\d+) (.+)$/.exec(text ?? '') ?? [];
  return pid && startTime ? { pid: Number(pid), startTime } : undefined;
}

function ownerFile({ folder }: Demo): string {
  return join(folder, 'owner');
}
