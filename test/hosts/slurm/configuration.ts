/** The nodes, the login node first. The addresses are of a block that is reserved for tests (RFC 2544). */
export const NODES = [
  { name: 'front', address: '198.19.8.1', link: '198.19.7.2' },
  { name: 'oak', address: '198.19.8.11', link: '' },
  { name: 'elm', address: '198.19.8.12', link: '' },
] as const;
/** This machine's end of the link to the login node. */
const LAPTOP = '198.19.7.1';

const [FRONT, ...COMPUTE] = NODES;

interface Kernel {
  /** Whether the nodes' sshd lets in only who has a job there. */
  readonly hasAdopt: boolean;
  /** Whether jobs are in cgroups. */
  readonly hasCgroups: boolean;
  /** How many CPUs Slurm believes each node to have. */
  readonly cpus: number;
}

/** The files of a cluster in its folder, by their paths: see cluster.sh and node.sh. */
export function clusterFiles(users: readonly string[], kernel: Kernel): Record<string, string> {
  return {
    nodes: lines(NODES.map(({ name, address }) => `${name} ${address}/24`)),
    link: `${LAPTOP}/30 ${FRONT.link}/30\n`,
    hosts: lines(['127.0.0.1 localhost', ...NODES.map(({ name, address }) => `${address} ${name}`)]),
    'etc/slurm.conf': slurmConf(kernel),
    'etc/gres.conf': `NodeName=${COMPUTE.map(({ name }) => name).join(',')} Name=gpu File=/dev/zero\n`,
    ...(kernel.hasCgroups ? { 'etc/cgroup.conf': cgroupConf(kernel) } : {}),
    ...(kernel.hasAdopt ? { pam: PAM } : {}),
    sshd_config: sshdConfig(users, kernel),
  };
}

/** A job can be kept only to CPUs that this machine has. */
function cgroupConf({ cpus }: Kernel): string {
  return lines([
    'CgroupAutomount=no',
    'CgroupPlugin=cgroup/v1',
    `ConstrainCores=${cpus > 2 ? 'no' : 'yes'}`,
    'ConstrainRAMSpace=yes',
  ]);
}

const PAM = lines([
  'auth required pam_unix.so',
  'account required pam_unix.so',
  'account required pam_slurm_adopt.so',
  'session required pam_unix.so',
]);

/** Two nodes of as many CPUs, whatever this machine has; and one that is broken. */
function slurmConf({ hasCgroups, cpus }: Kernel): string {
  const all = COMPUTE.map(({ name }) => name).join(',');
  return lines([
    'ClusterName=testing',
    `SlurmctldHost=${FRONT.name}(${FRONT.address})`,
    'SlurmUser=root',
    'AuthType=auth/munge',
    'StateSaveLocation=/run/slurm/state',
    'SlurmdSpoolDir=/run/slurm/slurmd',
    'SlurmctldPidFile=/run/slurm/slurmctld.pid',
    'SlurmdPidFile=/run/slurm/slurmd.pid',
    ...(hasCgroups
      ? [
          'ProctrackType=proctrack/cgroup',
          'TaskPlugin=task/cgroup',
          'JobAcctGatherType=jobacct_gather/cgroup',
        ]
      : ['ProctrackType=proctrack/linuxproc', 'TaskPlugin=task/none']),
    'PrologFlags=Contain',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_CPU_Memory',
    'DefMemPerCPU=500',
    'ReturnToService=2',
    'MpiDefault=none',
    'GresTypes=gpu',
    'SlurmdParameters=config_overrides',
    'KillWait=5',
    'SlurmdTimeout=20',
    'PreemptType=preempt/partition_prio',
    'PreemptMode=REQUEUE',
    `NodeName=${all} CPUs=${cpus} RealMemory=4000 Gres=gpu:1`,
    'NodeName=ash NodeAddr=198.19.8.13 CPUs=2 RealMemory=4000 State=DOWN Reason=broken',
    `PartitionName=day Nodes=${all} Default=YES DefaultTime=10 MaxTime=30 PriorityTier=10 PreemptMode=off`,
    `PartitionName=week Nodes=${all} DefaultTime=60 MaxTime=7-0 PriorityTier=10 PreemptMode=off`,
    `PartitionName=spare Nodes=${all} MaxTime=1-0 PriorityTier=1 PreemptMode=REQUEUE GraceTime=5`,
    'PartitionName=ruin Nodes=ash MaxTime=1-0',
    `PartitionName=shut Nodes=${all} MaxTime=1-0 State=DOWN`,
    `PartitionName=staff Nodes=${all} MaxTime=1-0 AllowGroups=root`,
  ]);
}

function sshdConfig(users: readonly string[], { hasAdopt }: Kernel): string {
  return lines([
    'Port 22',
    'HostKey /etc/ssh/ssh_host_ed25519_key',
    'PidFile none',
    `UsePAM ${hasAdopt ? 'yes' : 'no'}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    `AllowUsers ${users.join(' ')}`,
  ]);
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
