import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach } from 'node:test';
import { makeFolder } from './standing.ts';
import { type Laptop, makeLaptop } from './world.ts';

/** A laptop without a host, in its own folder: for commands that must end before they run ssh. */
export interface LoneLaptop {
  readonly folder: string;
  readonly laptop: Laptop;
  configure(text: string): void;
  /** The error output of a mistake, with FILES for the folder. It must run nothing and change nothing. */
  refused(...args: string[]): Promise<string>;
  /** The same for a failure because a folder of this machine cannot be used. */
  failed(...args: string[]): Promise<string>;
}

/** Each test of the calling file has its own. */
export function loneLaptopPerTest(): LoneLaptop {
  let folder: string;
  let laptop: Laptop;
  const witness = () => join(folder, 'ssh-was-run');
  beforeEach(() => {
    folder = makeFolder();
    const sshConfig = join(folder, 'ssh_config');
    // Any ssh that reads this file creates the witness.
    writeFileSync(sshConfig, `Match exec "touch ${witness()}"\n`);
    laptop = makeLaptop(join(folder, 'l'), sshConfig, 'none');
  });
  const endsWith = async (status: number, args: readonly string[]): Promise<string> => {
    const before = everything(folder);
    const { code, stdout, stderr } = await laptop.run(...args);
    assert.equal(code, status, stderr);
    assert.equal(stdout, '');
    assert.deepEqual(everything(folder), before);
    assert.equal(existsSync(witness()), false, 'ssh was run');
    return stderr.replaceAll(folder, 'FILES');
  };
  return {
    get folder() {
      return folder;
    },
    get laptop() {
      return laptop;
    },
    configure: (text) => {
      mkdirSync(dirname(laptop.configurationFile), { recursive: true });
      writeFileSync(laptop.configurationFile, text);
    },
    refused: (...args) => endsWith(2, args),
    failed: (...args) => endsWith(1, args),
  };
}

/** Everything in a folder, with the attributes that show a change. */
function everything(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { mode, size, mtimeMs } = lstatSync(join(folder, name));
      return `${name} ${mode.toString(8)} ${size} ${mtimeMs}`;
    })
    .sort();
}
