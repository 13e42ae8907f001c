#!/bin/sh
# A stand-in for uv: `uv run COMMAND…` in a project, whose environment is .venv beside its pyproject.toml, as
# documented. Like uv, it remains as the parent of the command.
[ "$1" = run ] || exit 2
shift
until [ -f pyproject.toml ]; do
  if [ "$PWD" = / ]; then
    echo 'error: No pyproject.toml found in current directory or any parent directory' >&2
    exit 2
  fi
  cd ..
done
if [ ! -d .venv ]; then
  echo 'error: Failed to fetch jupyterlab' >&2
  exit 2
fi
export VIRTUAL_ENV="$PWD/.venv"
export PATH="$VIRTUAL_ENV/bin:$PATH"
"$@"
