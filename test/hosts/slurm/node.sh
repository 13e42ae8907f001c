#!/bin/sh
# The first process of a node: see cluster.sh.
#
#   node.sh FOLDER NODE
#
# FOLDER has `shared`, with the folders that all nodes see, one in a line: itself, and the homes of the users; `etc`, `hosts`
# and `munge.key`; for the login node `login`, an empty file, and for the others `sshd_config` and perhaps `pam`, for sshd.
set -eu
# shellcheck source-path=SCRIPTDIR source=../shared-folders.sh
. "$(dirname "$0")/../shared-folders.sh"
folder=$1 node=$2
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
hostname "$node"
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/user /run/slurm /run/shared
install -d -o munge -m 755 /run/munge
see_only_shared "$folder/shared"
mount --bind "$folder/etc" /etc/slurm
mount --bind "$folder/hosts" /etc/hosts
if [ -d /sys/fs/cgroup/memory ]; then
  mount -t tmpfs tmpfs /sys/fs/cgroup
  for each in memory cpuset cpu cpuacct freezer devices pids; do
    mkdir "/sys/fs/cgroup/$each"
    mount -t cgroup -o "$each" cgroup "/sys/fs/cgroup/$each"
  done
fi
install -o munge -m 400 "$folder/munge.key" /run/munge/key
setpriv --reuid=munge --regid=munge --clear-groups munged --key-file=/run/munge/key --log-file=/run/munge/log \
  --pid-file=/run/munge/pid --seed-file=/run/munge/seed
until [ -f "$folder/linked" ]; do sleep 0.02; done
if [ "$node" = "$(head -n 1 "$folder/nodes" | cut -d ' ' -f 1)" ]; then
  slurmctld -D >"$folder/log/slurmctld" 2>&1 &
else
  mount --bind "$folder/ssh/$node" /etc/ssh
  [ ! -f "$folder/pam" ] || mount --bind "$folder/pam" /etc/pam.d/sshd
  /usr/sbin/sshd -f "$folder/sshd_config" -E "$folder/log/sshd-$node"
  slurmd -D >"$folder/log/slurmd-$node" 2>&1 &
fi
# It waits for the processes that others have left, as the first process must.
while :; do
  sleep 3600 &
  wait $!
done
