#!/bin/sh
# A host with Grid Engine on this machine, in namespaces of its own: it is the master, and runs the jobs. For root on Linux.
#
#   host.sh FOLDER
#
# FOLDER has what host.ts has written: `link`, with the addresses of this machine and of the host on their link, and what
# node.sh needs. Prints `up` when a job could start, and ends when its standard input ends. It leaves no process, mount or
# network. The names are always the same, so the caller holds a lock: what a killed host has left is removed by the next one.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
# The name of its interface here.
MARK=rngridengine
TIMEOUT_S=180

leave() {
  trap '' HUP INT TERM
  [ -z "$node" ] || kill -KILL "$node" 2>/dev/null || :
  wait
  ip link del "$MARK" 2>/dev/null || :
}

ip_inside() { nsenter -t "$pid" -n ip "$@"; }

node=''
# flock has its lock at a low number.
exec 9<&0 </dev/null
ip link del "$MARK" 2>/dev/null || :
trap leave EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$folder/log"

setpriv --pdeathsig KILL unshare --net --mount --uts --ipc --pid --fork --kill-child --mount-proc \
  sh "$here/node.sh" "$folder" >"$folder/log/node" 2>&1 </dev/null 9<&- &
node=$!
until pid=$(ps -o pid= --ppid "$node") && [ -n "$pid" ]; do
  kill -0 "$node" || exit 1
  sleep 0.02
done
pid=$((pid))
echo "$pid" >"$folder/pid"

read -r mine its <"$folder/link"
ip link add "$MARK" type veth peer name outside netns "$pid"
ip addr add "$mine" dev "$MARK"
ip link set "$MARK" up
ip_inside link set lo up
ip_inside addr add "$its" dev outside
ip_inside link set outside up
: >"$folder/linked"

until=$(($(date +%s) + TIMEOUT_S))
until [ -e "$folder/ready" ]; do
  if [ "$(date +%s)" -ge $until ] || ! kill -0 "$node" 2>/dev/null; then
    tail -n 20 "$folder"/log/* >&2
    exit 1
  fi
  sleep 0.1
done
echo up
cat <&9 >/dev/null
