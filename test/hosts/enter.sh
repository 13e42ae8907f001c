#!/bin/sh
# Runs a command in the namespaces of a node, at most until standard input ends: then the command gets SIGTERM.
#
#   enter.sh COMMAND…
#
# A background command has no standard input unless it is redirected.
exec 3<&0 </dev/null
"$@" 3<&- &
command=$!
cat <&3 >/dev/null
kill -TERM "$command"
wait "$command"
