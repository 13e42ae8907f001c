# Common places of Jupyter, which only the PATH of a login shell may contain.
USUAL_PLACES="$HOME/.local/bin:$HOME/miniforge3/bin:$HOME/miniconda3/bin:$HOME/anaconda3/bin:/opt/conda/bin:/usr/local/bin"

# Sets $command, for people, and $run, for a shell in the environment: the user's command, or else what is found. Sets
# $python to the Python that it runs in, if known.
choose_command() {
  [ -z "$container" ] || { choose_in_image; return; }
  find_prefix
  if [ -n "$command" ]; then
    use_command "$command"
    return
  fi
  find_interface || fail jupyter jupyter
  verify_own
  find_python "$found"
  for interface in lab notebook; do
    command="jupyter $interface"
    case ${found##*/} in
      "jupyter-$interface") quote "$found" && run=$quoted && return 0 ;;
      jupyter)
        # It may also run a jupyter-lab of another folder: not for an environment.
        quote "$found" && run="$quoted $interface"
        [ -n "$prefix" ] || { has_version && return 0; }
        ;;
    esac
  done
  fail interface "$found"
}

# Sets $found to the first folder's JupyterLab, notebook or `jupyter`. The first two are run directly, since `jupyter`
# would start Python twice, and is missing where pipx or uv installed JupyterLab as a tool.
find_interface() {
  find_program jupyter-lab jupyter-notebook jupyter || return
  # What the user has installed is better than the system's notebook.
  case $environment$found in
    "$HOME"/*) ;;
    /*/jupyter-notebook | /*/jupyter)
      for each in jupyter-notebook jupyter-lab; do
        [ ! -x "$HOME/.local/bin/$each" ] || found=$HOME/.local/bin/$each
      done
      ;;
  esac
}

has_version() { in_environment "$run --version" >/dev/null 2>&1; }

# Sets $run for command $1.
use_command() {
  # With such characters it may be several commands, the last of which gets our options.
  case $1 in
    *[\;\&\|\<\>\(\)]*)
      quote "$1 \"\$@\""
      run="sh -c $quoted sh"
      find_interface
      return 0
      ;;
  esac
  # The arguments as a shell reads them, without a comment, which would hide our options.
  run=$(in_environment "quoted_words $1")
  eval "set -- $run"
  case "$1 $2" in 'jupyter '[a-z]*) use_subcommand "$@"; return ;; esac
  find_program "$1" || fail jupyter "$1"
  find_python "$found"
}

# Sets $run for `jupyter` and its arguments. `jupyter lab` runs jupyter-lab, which may be installed without `jupyter`, or
# in another place.
use_subcommand() {
  if find_program "jupyter-$2" jupyter && [ "${found##*/}" = jupyter ]; then
    has_version || find_program "jupyter-$2" || fail jupyter "jupyter-$2"
  fi
  [ -n "$found" ] || fail jupyter jupyter
  find_python "$found"
  [ "${found##*/}" != jupyter ] || return 0
  shift 2
  run=$(quoted_words "$found" "$@")
}

quoted_words() { for word; do quote "$word" && printf '%s ' "$quoted"; done; }

# Sets $found to the path of program $1, or of the first of several, and extends the environment's PATH if necessary.
find_program() {
  look_up "$@" && return 0
  [ -n "$environment" ] || { ask_login_shell && look_up "$@" && return 0; }
  case $environment in
    conda:* | module:* | uv | poetry | pixi) ;;
    *)
      quote ":$USUAL_PLACES"
      adjust_environment "PATH=\$PATH$quoted"
      ;;
  esac
  look_up "$@" && return 0
  report where "$(in_environment value_of PATH)${asked:+ (and by the login shell, $SHELL)}"
  return 1
}

look_up() {
  if [ $# = 1 ]; then found=$(in_environment 'command -v' "$1" 2>/dev/null); else found=$(in_environment first_program "$@"); fi
}

# Code for the environment: prints the path of the first of these programs in the first folder of its PATH that has any.
first_program() {
  set -f
  IFS=:
  for place in $PATH; do
    for each; do
      if [ -f "$place/$each" ] && [ -x "$place/$each" ]; then
        printf '%s' "$place/$each"
        return 0
      fi
    done
  done
  return 1
}

# Sets $prefix to the folder of the environment, if it has one.
find_prefix() {
  prefix=''
  case $environment in
    '' | module:*) ;;
    conda:* | pixi) prefix=$(in_environment value_of CONDA_PREFIX) ;;
    *) prefix=$(in_environment value_of VIRTUAL_ENV) ;;
  esac
}

# Fails if $found is outside the environment, whose packages it would not see. A venv may use the system's.
verify_own() {
  [ -n "$prefix" ] || return 0
  case $found in "$prefix"/*) return 0 ;; esac
  case $environment in
    conda:* | uv | poetry | pixi) report where "$prefix/bin"; fail jupyter jupyter ;;
    *) report note "$environment has no jupyter of its own; using $found" ;;
  esac
}

# Sets $python to the Python that runs program $1, by its first lines as pip, uv and conda write them. Fails if that is
# gone, after which the program can only fail: the environment was moved, or its Python was removed.
find_python() {
  python='' first='' second=''
  { IFS= read -r first && IFS= read -r second; } <"$1" 2>/dev/null
  case ${1##*/}$first in
    python*) python=$1 ;;
    *'#!/bin/sh')
      # For a path that is long or has blanks.
      case $second in
        "'''exec' \""*) python=${second#*\"} python=${python%%\"*} ;;
        "'''exec' /"*) python=${second#* } python=${python%% *} ;;
      esac
      ;;
    *'#!/usr/bin/env python'*) python=$(in_environment 'command -v' "${first#* }") ;;
    *'#!'*) python=${first#??} python=${python# } python=${python%% *} ;;
  esac
  case $python in
    /*/python* | /*/pypy*) [ -x "$python" ] || { report where "$python"; fail python "$1"; } ;;
    *) python='' ;;
  esac
  # The environment may have two paths. Python reports its own by this one.
  ! same_folder "${python%/bin/*}" "$prefix" || prefix=${python%/bin/*}
}
