import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach } from 'node:test';
import { makeFolder } from './standing.ts';
import { type Laptop, makeLaptop } from './world.ts';

/** A laptop without any host, in a folder of its own: for what must fail, or answer, before ssh is run. */
export interface LoneLaptop {
  readonly folder: string;
  readonly laptop: Laptop;
  configure(text: string): void;
  /** What the user reads of a mistake, with FILES for the folder. Nothing is run then, and nothing is changed. */
  refused(...args: string[]): Promise<string>;
  /** The same where a folder of this machine cannot be used. */
  failed(...args: string[]): Promise<string>;
}

/** Each test of the file that calls this has its own. */
export function loneLaptopPerTest(): LoneLaptop {
  let folder: string;
  let laptop: Laptop;
  const witness = () => join(folder, 'ssh-was-run');
  beforeEach(() => {
    folder = makeFolder();
    const sshConfig = join(folder, 'ssh_config');
    // Any ssh that so much as reads it makes the witness.
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

/** All that is in a folder, with what would show that it was touched. */
function everything(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { mode, size, mtimeMs } = lstatSync(join(folder, name));
      return `${name} ${mode.toString(8)} ${size} ${mtimeMs}`;
    })
    .sort();
}
