// `make demo-cluster`: a server in a batch job of a real Slurm cluster, on this machine alone.
import { runClusterDemo } from './demo/cluster.ts';

process.exitCode = await runClusterDemo();
