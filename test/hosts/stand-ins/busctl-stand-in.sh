#!/bin/sh
# A stand-in for busctl on machines without logind. A file in the home folder contains the value of KillUserProcesses.
# Without the file it fails, as when the bus does not respond.
case $1.$5 in get-property.KillUserProcesses) ;; *) exit 2 ;; esac
[ -f "$HOME/KillUserProcesses" ] || { echo 'Failed to get property: Connection refused' >&2; exit 1; }
echo "b $(cat "$HOME/KillUserProcesses")"
