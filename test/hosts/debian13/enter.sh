#!/bin/sh
# Runs a command on the Debian 13 in a folder as its first process, with this machine's network and temporary files.
#
#   enter.sh ROOT FOLDER COMMAND…
#
# FOLDER has the same path there. This script runs in its own mount and process namespaces: when COMMAND ends, all that it
# started ends, and nothing stays mounted. COMMAND gets SIGTERM when standard input ends, which happens even if the process
# at the other end is killed.
set -eu
root=$1 folder=$2
shift 2
mkdir -p "$root$folder"
mount --bind "$root" "$root"
# Other tests use the same root, and none changes it.
mount -o remount,bind,ro "$root"
mount --bind "$folder" "$root$folder"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir "$root/run/sshd"
# A background command has no standard input unless it is redirected.
exec 3<&0 </dev/null
{
  cat <&3 >/dev/null
  kill -TERM 1
} &
exec 3<&- chroot "$root" "$@"
