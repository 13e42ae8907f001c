# shellcheck shell=sh
# shellcheck disable=SC2154 # its variables are assigned in front of it
# Enters what Jupyter is to find itself in. A part of launch.sh, doctor.sh and survey.sh.
#
#   setup        lines of shell that come first
#   environment  a venv's folder, conda:NAME, uv, poetry, pixi, module:NAME,NAME …; empty: what is found
#
# All but a venv are entered by a process of its own, which leaves its variables in a file at its end: whatever a
# start-up file, an activation script or a line of the user's does, prints or breaks, this shell goes on.

enter_environment() {
  [ -n "$environment" ] || choose_venv
  [ -n "$environment$setup" ] || return 0
  tell phase environment
  [ -z "$setup" ] || run_setup
  case $environment in
    '') ;;
    conda:*) enter_conda "${environment#conda:}" ;;
    module:*) enter_modules "${environment#module:}" ;;
    uv | poetry | pixi) enter_project "$environment" ;;
    *) enter_venv ;;
  esac
}

# A venv in the directory is what its user means, if Jupyter is in it.
choose_venv() {
  for each in .venv venv; do
    [ -r "$each/bin/activate" ] || continue
    if [ -n "$command" ] || [ -x "$each/bin/jupyter" ]; then
      environment=$each
      tell note "$each is in the directory, and is used"
      return 0
    fi
    tell note "$each is in the directory, but has no jupyter: passed over"
  done
}

enter_venv() {
  expand_home "$environment"
  [ -r "$path/bin/activate" ] || { tell where "$here"; fail environment "$path"; }
  read_variables "$path/bin/activate"
}

# shellcheck disable=SC2016 # its own shell reads it
SETUP_CODE='for line; do printf "%s\n" "$line" >"$REMOTE_NOTEBOOK_ENTERED.step"; eval "$line" || exit; done'

run_setup() {
  set -f
  IFS='
'
  # shellcheck disable=SC2086
  set -- $setup
  unset IFS
  set +f
  if enter_by "$SETUP_CODE" "$@"; then return 0; fi
  IFS= read -r step <"$entered.step"
  tell_log "$folder/words"
  fail setup "$step"
}

# Any conda may be the one that has this environment: they are tried in turn. `conda run` would stay in between,
# hold back Jupyter's log, and take its signals.
enter_conda() {
  expand_home "$1"
  each_conda >"$folder/condas"
  [ -s "$folder/condas" ] || { ask_login_shell && each_conda >"$folder/condas"; }
  [ -s "$folder/condas" ] || { tell where "$PATH:$CONDA_PLACES"; fail tool conda; }
  while IFS= read -r conda; do
    if enter_by "$CONDA_CODE" "$conda" "$path"; then return 0; fi
  done <"$folder/condas"
  tell_log "$folder/words"
  fail enter "$environment"
}

# shellcheck disable=SC2016 # its own shell reads it
CONDA_CODE='conda=$1 name=$2
shift 2
if [ "${conda##*/}" = conda ]; then
  activation=$("$conda" shell.posix activate "$name")
else
  [ -n "$MAMBA_ROOT_PREFIX" ] || [ ! -d "$HOME/micromamba/envs" ] || export MAMBA_ROOT_PREFIX="$HOME/micromamba"
  activation=$("$conda" shell activate --shell posix "$name")
fi && eval "$activation"'

CONDA_PLACES="$HOME/miniforge3/bin:$HOME/miniconda3/bin:$HOME/mambaforge/bin:$HOME/anaconda3/bin:$HOME/opt/miniconda3/bin"
CONDA_PLACES="$CONDA_PLACES:$HOME/opt/anaconda3/bin:$HOME/.local/bin:$HOME/bin:$HOME/micromamba/bin:/opt/conda/bin"
CONDA_PLACES="$CONDA_PLACES:/opt/miniforge3/bin:/opt/miniconda3/bin:/opt/anaconda3/bin:/opt/homebrew/bin:/usr/local/bin"

# Each once. A mamba of before version 2 has a conda beside it, and is one in other words.
each_conda() {
  for each in "$CONDA_EXE" "$MAMBA_EXE"; do [ ! -x "$each" ] || printf '%s\n' "$each"; done
  printf '%s\n' "$PATH:$CONDA_PLACES" | tr : '\n' | awk '!seen[$0]++' | while IFS= read -r place; do
    for each in conda micromamba mamba; do
      if [ "$each" = mamba ] && [ -x "$place/conda" ]; then continue; fi
      case "$place/$each" in "$CONDA_EXE" | "$MAMBA_EXE") continue ;; esac
      [ ! -x "$place/$each" ] || printf '%s\n' "$place/$each"
    done
  done
}

enter_modules() {
  find_modules || { ask_login_shell && find_modules; } || { tell where "$MODULE_PLACES"; fail tool module; }
  IFS=,
  set -f
  # shellcheck disable=SC2086
  set -- $1
  set +f
  unset IFS
  if enter_by "$MODULES_CODE" "$modules" "$@"; then return 0; fi
  tell_log "$folder/words"
  fail enter "$environment"
}

# A removed tool leaves its file behind, so they are tried in turn: in a function, which hides the modules' names from them.
# shellcheck disable=SC2016 # its own shell reads it
MODULES_CODE='modules=$1
shift
define() { . "$each"; }
while [ -n "$modules" ] && ! command -v module >/dev/null 2>&1; do
  each=${modules%%:*} modules=${modules#*:}
  define
done
module load "$@"'

MODULE_PLACES='/etc/profile.d/lmod.sh /etc/profile.d/z00_lmod.sh /etc/profile.d/00-modulepath.sh /etc/profile.d/modules.sh'
MODULE_PLACES="$MODULE_PLACES /usr/share/lmod/lmod/init/sh /usr/share/modules/init/sh /usr/share/Modules/init/sh"

# Sets $modules to the files that may define `module`. Those in profile.d know the site's own folders, too.
find_modules() {
  modules=''
  for each in "$LMOD_PKG/init/sh" "$MODULESHOME/init/sh" $MODULE_PLACES; do
    [ ! -r "$each" ] || modules=$modules$each:
  done
  [ -n "$modules" ]
}

PROJECT_PLACES="$HOME/.local/bin:$HOME/.cargo/bin:$HOME/.pixi/bin:/opt/homebrew/bin:/usr/local/bin"

# `uv run` and its like set variables, which are taken over: none of them stays between us and Jupyter.
enter_project() {
  find_tool "$1" || { ask_login_shell && find_tool "$1"; } || { tell where "$PATH:$PROJECT_PLACES"; fail tool "$1"; }
  if watch 0 "$tool" run /bin/sh -c "$LEAVE_CODE"; then
    take_over
    return 0
  fi
  tell_log "$folder/words"
  fail enter "$environment"
}

# shellcheck disable=SC2030,SC2031
find_tool() { tool=$(PATH=$PATH:$PROJECT_PLACES && command -v "$1"); }

# What the user's login shell would find: its start-up files are read as for a terminal. Asked once, when all
# that is quick has failed; such a file may hang, or start something that stays.
ask_login_shell() {
  if [ -n "$asked" ] || [ ! -x "$SHELL" ]; then return 1; fi
  asked=1
  tell phase environment
  case ${SHELL##*/} in
    csh | tcsh) watch 10 "$SHELL" -c "if ( -r ~/.login ) source ~/.login; exec /bin/sh -c '$LEAVE_CODE'" ;;
    *) watch 10 "$SHELL" -l -i -c "exec /bin/sh -c '$LEAVE_CODE'" ;;
  esac
  if [ -f "$entered" ]; then
    take_over
    return 0
  fi
  tell note "your login shell there ($SHELL) did not say what it finds: see its start-up files"
  return 1
}

# What a shell does at its end, to leave its variables here. It passes through other programs' quoting.
# shellcheck disable=SC2016
LEAVE_CODE='umask 077; export -p >"$REMOTE_NOTEBOOK_ENTERED.part" && mv "$REMOTE_NOTEBOOK_ENTERED.part" "$REMOTE_NOTEBOOK_ENTERED"'

# Runs code $1 with the words behind it, and takes over its variables; fails when it does. In bash, where there is
# one: activation scripts are written for it, more often than they say.
enter_by() {
  # shellcheck disable=SC2016
  watch 0 "$(command -v bash || echo /bin/sh)" -c 'code=$1; shift; eval "$code" || exit; exec /bin/sh -c '"'$LEAVE_CODE'" sh "$@" || return
  take_over
}

# Runs a command, which leaves its variables at its end, for at most $1 seconds (0: as long as it takes). Whether it did.
watch() {
  limit=$1
  shift
  [ -n "$entered" ] || : >"$folder/words"
  entered=$folder/entered
  rm -f "$entered"
  REMOTE_NOTEBOOK_ENTERED=$entered "$@" >>"$folder/words" 2>&1 &
  helper=$! helper_start_time=$(start_time $!)
  until=$(($(date +%s) + limit))
  until [ -f "$entered" ]; do
    if ! is_alive "$helper" "$helper_start_time"; then break; fi
    if [ "$limit" -gt 0 ] && [ "$(date +%s)" -gt "$until" ]; then
      end_helper
      break
    fi
    heartbeat
    nap
  done
  helper=''
  [ -f "$entered" ]
}

# For a script that leaves nothing: sets $folder to one where what is left behind while an environment is entered lies
# until the script's end, for this session alone to look.
make_scratch() {
  remote_notebook_scratch=$(umask 077 && mktemp -d "${TMPDIR:-/tmp}/remote-notebook-XXXXXX" 2>/dev/null) ||
    fail folder "${TMPDIR:-/tmp}"
  folder=$remote_notebook_scratch
}

# shellcheck disable=SC2317,SC2329 # a trap calls it
leave_scratch() {
  end_helper
  # By a name that nobody exports: for a moment $folder may be what a start-up file says.
  [ -z "$remote_notebook_scratch" ] || rm -rf "$remote_notebook_scratch"
}

# It may be deaf to TERM, as an interactive shell is.
end_helper() {
  # shellcheck disable=SC2046
  [ -z "$helper" ] || kill -KILL "$helper" $(descendants "$helper") 2>/dev/null
}

OWN='OWN SETUP_CODE CONDA_CODE MODULES_CODE LEAVE_CODE CONDA_PLACES MODULE_PLACES PROJECT_PLACES USUAL_PLACES SERVERS record
mode launch token name from directory setup environment command port socket strict_port idle_timeout timeout
folder here locked me entered asked helper helper_start_time child child_start_time making pid start_time answered tool conda path naps'

take_over() {
  read_variables "$entered"
  unset REMOTE_NOTEBOOK_ENTERED
  rm -f "$entered"
}

# Reads file $1 of the user's into this shell. What this script goes by stays its own, whatever names are set there.
# shellcheck disable=SC2154
read_variables() {
  file=$1
  shift
  for each in $OWN; do eval "own_$each=\$$each"; done
  # shellcheck disable=SC1090
  . "$file"
  for each in $own_OWN; do eval "$each=\$own_$each"; done
  # It may have gone elsewhere, or its variables say so.
  cd "$here" || fail directory "$here"
}
