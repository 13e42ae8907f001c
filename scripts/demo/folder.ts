import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ProcessIdentity, startTimeOf } from '../../src/system/process.ts';

/** All that a demo writes lies in one folder: the host's home, this machine's state, and who runs it. */
export interface Demo {
  readonly folder: string;
  /** The home folder on the demo's host. */
  readonly home: string;
  /** Its XDG_STATE_HOME on this side. */
  readonly state: string;
  /** Holds the command, which nobody has installed yet. */
  readonly bin: string;
}

const PREFIX = 'rn-demo-';
/** Control sockets have room for few bytes, and on macOS TMPDIR alone takes most of them. */
const LONGEST_PLACE = 28;

function place(env: NodeJS.ProcessEnv): string {
  const { TMPDIR } = env;
  return TMPDIR && Buffer.byteLength(TMPDIR) <= LONGEST_PLACE ? TMPDIR : '/tmp';
}

export async function makeDemoFolder(env: NodeJS.ProcessEnv): Promise<Demo> {
  const demo = demoIn(mkdtempSync(join(place(env), PREFIX)));
  writeFileSync(ownerFile(demo), `${process.pid} ${await startTimeOf(process.pid)}`);
  mkdirSync(demo.home);
  mkdirSync(demo.state);
  return demo;
}

/** The demos of this user that run, or have left something. */
export function findDemos(env: NodeJS.ProcessEnv): Demo[] {
  const names = readdirSync(place(env)).filter((name) => name.startsWith(PREFIX));
  return names
    .map((name) => join(place(env), name))
    .filter(isOwnFolder)
    .map(demoIn);
}

function isOwnFolder(path: string): boolean {
  try {
    const about = lstatSync(path);
    return about.isDirectory() && about.uid === process.getuid?.();
  } catch {
    return false;
  }
}

function demoIn(folder: string): Demo {
  return { folder, home: join(folder, 'home'), state: join(folder, 'state'), bin: join(folder, 'bin') };
}

/** The process that runs the demo, or ran it. */
export function ownerOf(demo: Demo): ProcessIdentity | undefined {
  try {
    const [pid, ...startTime] = readFileSync(ownerFile(demo), 'utf8').split(' ');
    return { pid: Number(pid), startTime: startTime.join(' ') };
  } catch {
    return undefined;
  }
}

function ownerFile({ folder }: Demo): string {
  return join(folder, 'owner');
}
