#!/bin/sh
# Makes a venv with packages from the Python registry, in their versions of today.
#
#   registry-venv.sh VENV PYTHON PACKAGE…
#
# A complete VENV is left as it is. The caller holds a lock, so that two tests make one.
set -eu
venv=$1 python=$2
shift 2
[ ! -e "$venv/complete" ] || exit 0

# Earlier ones, which no running test can be using.
rm -rf "$venv"
mkdir "$venv"
find "${venv%-*}"-* -maxdepth 0 -mtime +1 -exec rm -rf {} +
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --retries 1 --timeout 30 "$@"
: >"$venv/complete"
