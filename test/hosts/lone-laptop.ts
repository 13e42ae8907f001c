import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Laptop, makeLaptop } from './world.ts';

/** A laptop without any host, in a folder of its own: for what must fail, or answer, before ssh is run. */
export interface LoneLaptop {
  readonly folder: string;
  readonly laptop: Laptop;
  /** For `-F`: any ssh that so much as reads it makes `witness`. */
  readonly sshConfig: string;
  readonly witness: string;
  remove(): void;
}

export function makeLoneLaptop(): LoneLaptop {
  const folder = mkdtempSync(join(tmpdir(), 'rn-'));
  const witness = join(folder, 'ssh-was-run');
  const sshConfig = join(folder, 'ssh_config');
  writeFileSync(sshConfig, `Match exec "touch ${witness}"\n`);
  return {
    folder,
    laptop: makeLaptop(join(folder, 'l'), sshConfig, 'none'),
    sshConfig,
    witness,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
