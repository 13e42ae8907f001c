#!/bin/sh
# Reports when Node is missing or too old.
set -eu

if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
  found='there is no node or no npm on the PATH'
elif node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'; then
  exit 0
else
  found="this is Node $(node --version)"
fi
echo "Node 20.19 or newer is needed, and $found. See https://nodejs.org/en/download" >&2
exit 1
