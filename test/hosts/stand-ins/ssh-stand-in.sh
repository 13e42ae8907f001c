#!/bin/sh
# A stand-in for an ssh of 2014: it reports that version, and is otherwise this machine's ssh.
if [ "$1" = -V ]; then
  echo 'OpenSSH_6.6.1p1 Ubuntu-2ubuntu2, OpenSSL 1.0.1f 6 Jan 2014' >&2
  exit 0
fi
PATH=$REAL_PATH exec ssh "$@"
