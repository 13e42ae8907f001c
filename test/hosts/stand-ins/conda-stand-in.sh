#!/bin/sh
# A stand-in for conda, mamba and micromamba, depending on its name. It enters an environment as their documentation says.
# Its output for the shell has conda's text and order.
#
#   conda shell.posix activate NAME|PATH
#   micromamba shell activate --shell posix NAME|PATH
root=${MAMBA_ROOT_PREFIX:-$HOME/.local/share/mamba}
case ${0##*/} in
  conda)
    root=$(cd "${0%/*}/.." && pwd)
    [ "$1 $2" = 'shell.posix activate' ] || exit 2
    wanted=$3
    ;;
  *)
    [ "$1 $2 $3 $4" = 'shell activate --shell posix' ] || exit 2
    wanted=$5
    ;;
esac
case $wanted in
  */*) prefix=$wanted ;;
  base) prefix=$root ;;
  *) prefix=$root/envs/$wanted ;;
esac
if [ ! -d "$prefix/conda-meta" ]; then
  case ${0##*/} in
    conda)
      printf '\nEnvironmentNameNotFound: Could not find conda environment: %s\n' "$wanted" >&2
      # shellcheck disable=SC2016
      printf 'You can list all discoverable environments with `conda info --envs`.\n\n' >&2
      ;;
    *) printf "critical libmamba Cannot activate, prefix does not exist at: '%s'\n" "$prefix" >&2 ;;
  esac
  exit 1
fi
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\"'\"'/g")"; }
printf "PS1='(%s) '\n" "$wanted"
printf 'export PATH=%s\n' "$(quoted "$prefix/bin:$PATH")"
printf 'export CONDA_PREFIX=%s\n' "$(quoted "$prefix")"
printf "export CONDA_SHLVL='1'\nexport CONDA_DEFAULT_ENV=%s\n" "$(quoted "$wanted")"
for script in "$prefix"/etc/conda/activate.d/*.sh; do
  [ ! -f "$script" ] || printf '. "%s"\n' "$script"
done
