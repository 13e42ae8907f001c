#!/bin/sh
# A stand-in for pixi: `pixi run COMMAND…` in a workspace, whose environment is .pixi/envs/default, with the documented
# variables. Like pixi's own shell, it parses the command's words again, each in double quotes.
[ "$1" = run ] || exit 2
shift
if [ ! -f pixi.toml ]; then
  echo "Error:   × could not find pixi.toml or pyproject.toml with tool.pixi at directory $PWD" >&2
  exit 1
fi
export PIXI_PROJECT_ROOT="$PWD" PIXI_ENVIRONMENT_NAME=default CONDA_PREFIX="$PWD/.pixi/envs/default"
export PATH="$CONDA_PREFIX/bin:$PATH"
line=''
for word; do
  line="$line \"$(printf '%s' "$word" | sed 's/[$"\\`]/\\&/g')\""
done
eval "$line"
