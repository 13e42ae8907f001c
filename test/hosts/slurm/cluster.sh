#!/bin/sh
# A Slurm cluster on this machine: a login node and compute nodes, each in namespaces of its own. For root on Linux.
#
#   cluster.sh FOLDER
#
# FOLDER has what cluster.ts has written: `nodes`, with a line NODE ADDRESS for each node, the login node first; `link`,
# with the addresses of this machine and of the login node on their link; and what node.sh needs. Prints `up` when all nodes
# are idle, and ends when its standard input ends. It leaves no process, mount, network or cgroup. The names are always the
# same, so the caller holds a lock: what a killed cluster has left is removed by the next one.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
# The name of its interface here, with which those of its cgroups begin.
MARK=rncluster
CONTROLLERS='memory cpuset cpu cpuacct freezer devices pids'
TIMEOUT_S=180

# Processes that were just killed may still be in them.
remove_cgroups() {
  tries=0
  while [ -n "$(find /sys/fs/cgroup -maxdepth 2 -name "$MARK-*" -print -quit 2>/dev/null)" ] && [ $tries -lt 50 ]; do
    tries=$((tries + 1))
    find /sys/fs/cgroup/*/"$MARK"-* -depth -type d -exec rmdir {} \; 2>/dev/null || sleep 0.1
  done
}

leave() {
  trap '' HUP INT TERM
  # shellcheck disable=SC2086
  kill -KILL $nodes 2>/dev/null || :
  wait
  ip link del "$MARK" 2>/dev/null || :
  remove_cgroups
}

# Runs a node as the first process of its namespaces, which ends with this script. Sets $pid to it.
begin_node() {
  node=$1
  for controller in $CONTROLLERS; do
    [ -d "/sys/fs/cgroup/$controller" ] || continue
    group=/sys/fs/cgroup/$controller/$MARK-$node
    # What a killed cluster has left may not be removable yet.
    mkdir -p "$group"
    [ "$controller" != cpuset ] || for each in cpuset.cpus cpuset.mems; do cat "${group%/*}/$each" >"$group/$each"; done
  done
  # shellcheck disable=SC2016
  setpriv --pdeathsig KILL sh -c '
    for group in /sys/fs/cgroup/*/"$1"; do [ ! -d "$group" ] || echo $$ >"$group/cgroup.procs"; done
    shift
    exec unshare --net --mount --uts --ipc --pid --cgroup --fork --kill-child --mount-proc "$@"
  ' sh "$MARK-$node" sh "$here/node.sh" "$folder" "$node" >"$folder/log/$node" 2>&1 </dev/null 9<&- &
  nodes="$nodes $!"
  until pid=$(ps -o pid= --ppid $!) && [ -n "$pid" ]; do
    kill -0 $! || exit 1
    sleep 0.02
  done
  pid=$((pid))
  echo "$pid" >"$folder/$node.pid"
}

# Runs ip with the arguments after process $1, in the network of that process.
ip_of() {
  process=$1
  shift
  nsenter -t "$process" -n ip "$@"
}

# Gives interface $2 of process $1 address $3.
set_up() {
  ip_of "$1" link set lo up
  ip_of "$1" addr add "$3" dev "$2"
  ip_of "$1" link set "$2" up
}

are_idle() {
  nsenter -t "$login" -a sinfo --noheader --Node --format='%N %t' 2>/dev/null | sort -u | grep -c ' idle$'
}

nodes=''
# flock has its lock at a low number.
exec 9<&0 </dev/null
ip link del "$MARK" 2>/dev/null || :
remove_cgroups
trap leave EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$folder/log"

read -r mine its <"$folder/link"
count=0
while read -r node address; do
  begin_node "$node"
  if [ "$count" = 0 ]; then
    login=$pid
    ip link add "$MARK" type veth peer name outside netns "$login"
    ip addr add "$mine" dev "$MARK"
    ip link set "$MARK" up
    set_up "$login" outside "$its"
    ip_of "$login" link add inside type bridge
    set_up "$login" inside "$address"
  else
    ip_of "$login" link add "node$count" type veth peer name inside netns "$pid"
    ip_of "$login" link set "node$count" master inside up
    set_up "$pid" inside "$address"
  fi
  count=$((count + 1))
done <"$folder/nodes"
: >"$folder/linked"

until=$(($(date +%s) + TIMEOUT_S))
until [ "$(are_idle)" = $((count - 1)) ]; do
  [ "$(date +%s)" -lt $until ] || { tail -n 5 "$folder"/log/* >&2; exit 1; }
  sleep 0.1
done
echo up
cat <&9 >/dev/null
