import { dirname } from 'node:path';
import { main } from '../../src/main.ts';
import { commandLine, shellQuote } from '../../src/system/command.ts';
import { makeCluster, NO_CLUSTER } from '../../test/hosts/slurm/cluster.ts';
import { stopServers } from './end.ts';
import { firstSignal, makeCommand } from './run.ts';

const NAME = 'demo';

/** Starts a server in a job of a Slurm cluster on this machine, and waits for a signal. Leaves nothing behind. */
export async function runClusterDemo(): Promise<number> {
  if (NO_CLUSTER) {
    console.error(`The demo of a cluster cannot run here: ${NO_CLUSTER}`);
    return 1;
  }
  // What makes the cluster would end this process before its server is stopped.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal);
  const end = firstSignal();
  console.error('A Slurm cluster starts on this machine: a login node and two compute nodes, in namespaces.');
  const cluster = await makeCluster();
  try {
    const { laptop, sshd } = cluster.world;
    const state = dirname(laptop.stateFolder);
    const bin = makeCommand({ folder: dirname(state), state });
    process.env.XDG_STATE_HOME = state;
    const args = ['start', 'loopback', '-F', sshd.sshConfig, '--name', NAME, '--launcher', 'slurm'];
    args.push('--time', '20m', '--memory', '600M', '--local-port', '9889');
    console.error(`The demo now runs:\n\n  ${commandLine(['remote-notebook', ...args])}\n`);
    const status = await main(args);
    if (status !== 0) return status;
    console.error(`
The page comes from a compute node, which this machine cannot reach: the bytes take the way of the login node.

In a second terminal you can run the commands above, and more:
  export PATH=${shellQuote(bin)}:"$PATH"
  remote-notebook status
  remote-notebook logs
  remote-notebook doctor ${NAME}

Ctrl-C ends the demo.`);
    await end;
    return 0;
  } finally {
    await stopServers();
    await cluster.remove();
    console.error(
      'The demo has ended: its job, its cluster and its accounts are gone. Programs that were installed for it stay.',
    );
  }
}
