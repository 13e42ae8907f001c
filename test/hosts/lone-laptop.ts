import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from './standing.ts';
import { type Laptop, makeLaptop } from './world.ts';

/** A laptop without any host, in a folder of its own: for what must fail, or answer, before ssh is run. */
export interface LoneLaptop {
  readonly folder: string;
  readonly laptop: Laptop;
  /** For `-F`: any ssh that so much as reads it makes `witness`. */
  readonly sshConfig: string;
  readonly witness: string;
}

export function makeLoneLaptop(): LoneLaptop {
  const folder = makeFolder('rn-');
  const witness = join(folder, 'ssh-was-run');
  const sshConfig = join(folder, 'ssh_config');
  writeFileSync(sshConfig, `Match exec "touch ${witness}"\n`);
  return {
    folder,
    laptop: makeLaptop(join(folder, 'l'), sshConfig, 'none'),
    sshConfig,
    witness,
  };
}
