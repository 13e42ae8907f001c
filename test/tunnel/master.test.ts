import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { STATUS_FILE } from '../../src/keeper/status.ts';
import { quietContext } from '../../src/system/context.ts';
import { verifyMaster } from '../../src/tunnel/master.ts';
import { writeProgram } from '../hosts/stand-ins.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';

test('the ssh that hangs is named, and not the one that takes its place while it is asked', async () => {
  const folder = makeFolder('rn-master-');
  const asked = join(folder, 'asked');
  writeProgram(join(folder, 'ssh'), `: >'${asked}'; exec sleep 1000`);
  const has = (pid: number) => writeFileSync(join(folder, STATUS_FILE), JSON.stringify({ ssh: { pid } }));
  has(1111);
  const connection = {
    destination: 'gpu',
    sshConfig: undefined,
    folder,
    controlPath: join(folder, 'control'),
  };
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const verified = assert.rejects(verifyMaster(connection, quietContext(env)), {
    message: /\(PID 1111\) does not respond/,
    remedy: /kill -KILL 1111$/,
  });
  await eventually('it is asked', () => existsSync(asked));
  has(2222);
  await verified;
});
