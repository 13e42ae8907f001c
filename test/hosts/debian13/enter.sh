#!/bin/sh
# Runs a command on the Debian 13 in a folder as its first process, with this machine's network and temporary files.
#
#   enter.sh ROOT FOLDER COMMAND…
#
# FOLDER is there as it is here. This is run in mount and process namespaces of its own: with COMMAND all ends that it
# started, and nothing stays mounted. COMMAND is told TERM when standard input ends, which it does with whoever holds
# the other end, however they end.
set -eu
root=$1 folder=$2
shift 2
mkdir -p "$root$folder"
mount --bind "$root" "$root"
# Other tests are there as well: they share it, and none changes it.
mount -o remount,bind,ro "$root"
mount --bind "$folder" "$root$folder"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir "$root/run/sshd"
# A command in the background reads from nowhere, unless it is told where.
exec 3<&0 </dev/null
{
  cat <&3 >/dev/null
  kill -TERM 1
} &
exec 3<&- chroot "$root" "$@"
