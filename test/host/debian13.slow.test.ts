import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { debian13, NO_DEBIAN_13 } from '../hosts/debian13/debian13.ts';
import { commandLineOf, descendantsOf, ENDED } from '../hosts/proc.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';
import { describeJupyterLab } from './jupyterlab.ts';

describeJupyterLab({ kind: 'the JupyterLab of Debian 13', skip: NO_DEBIAN_13, options: debian13 });

test('everything on that host ends when the test is killed', { skip: NO_DEBIAN_13 }, async () => {
  const hosts = new URL('../hosts/', import.meta.url);
  const folder = makeFolder('rn-killed-');
  const program = `
    import { debian13 } from '${hosts}debian13/debian13.ts';
    import { makeSshd } from '${hosts}sshd.ts';
    const sshd = await makeSshd({ ...(await debian13()), within: ${JSON.stringify(folder)} });
    console.log(sshd.pid());
    setInterval(() => {}, 1000);`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', program];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  const pids = [Number(line), ...descendantsOf(Number(line))];
  assert.ok(pids.length >= 3, pids.join(' '));
  child.kill('SIGKILL');
  // A zombie has no command line.
  const hasEnded = (pid: number) => commandLineOf(pid) === ENDED;
  await eventually('all has ended', () => pids.every(hasEnded));
});
