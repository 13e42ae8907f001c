# Enters the environment of a server.
#
#   setup        shell commands to run first
#   environment  the folder of a venv, conda:NAME, uv, poetry, pixi, module:NAME,NAME …, podman:IMAGE …; empty: a venv
#                that is found

enter_environment() {
  [ -n "$environment" ] || choose_venv
  [ -n "$environment$setup" ] || return 0
  report phase environment
  [ -z "$setup" ] || run_setup
  case $environment in
    '') ;;
    conda:*) enter_conda "${environment#conda:}" ;;
    module:*) enter_modules "${environment#module:}" ;;
    uv | poetry | pixi) enter_project "$environment" ;;
    podman:* | docker:* | apptainer:* | singularity:*) enter_container ;;
    *) enter_venv ;;
  esac
}

# Uses a venv in the directory, if it has Jupyter.
choose_venv() {
  for each in .venv venv; do
    [ -r "$each/bin/activate" ] || continue
    if [ -n "$command" ] || has_jupyter "$each"; then
      environment=$each is_chosen=yes
      report note "using $each in the directory"
      return 0
    fi
    report note "ignoring $each in the directory: it has no jupyter"
  done
}

# Whether the environment in folder $1 has JupyterLab or the notebook. Other packages bring `jupyter` alone.
has_jupyter() { [ -x "$1/bin/jupyter-lab" ] || [ -x "$1/bin/jupyter-notebook" ]; }

enter_venv() {
  expand_home "$environment"
  [ -r "$path/bin/activate" ] || { report where "$here"; fail environment "$path"; }
  # Any status of an activate script is fine.
  before=$entered
  enter_by 'activate=$1; shift; . "$activate" || :' "$path/bin/activate" || cannot_enter
  [ -f "$path/pyvenv.cfg" ] || return 0
  # A venv that was moved or copied leads to its first place, and so do its programs.
  origin=$(in_environment value_of VIRTUAL_ENV)
  if same_folder "$origin" "$path"; then return 0; fi
  if [ -z "$is_chosen" ]; then report where "$origin"; fail moved "$path"; fi
  report note "ignoring $environment in the directory: it was moved or copied, and leads to $origin"
  entered=$before environment=''
}

cannot_enter() {
  report_log "$folder/output"
  fail enter "$environment"
}

# The commands may contain secrets, and everybody can read the arguments of a process: they go through a private file.
run_setup() {
  steps=$folder/entered-steps
  (umask 077 && sed -e "s/'/'\\\\''/g" -e "s/.*/echo >>\"\$REMOTE_NOTEBOOK_ENTERING-step\"; eval '&' || exit/" >"$steps") <<END 2>/dev/null || cannot_write "$folder"
$setup
END
  if enter_by 'eval "$(cat "$1")"' "$steps"; then return 0; fi
  report_log "$folder/output"
  fail setup "$(sed -n "$(($(wc -l <"$entering-step")))p" <<END
$setup
END
  )"
}

# Tries each conda until one knows the environment. `conda run` would stay, delay Jupyter's log and catch its signals.
enter_conda() {
  expand_home "$1"
  find_condas || fail_tool conda "$(in_environment value_of PATH):$CONDA_PLACES"
  while IFS= read -r conda; do
    if enter_by "$CONDA_CODE" "$conda" "$path"; then return 0; fi
  done <"$folder/condas"
  cannot_enter
}

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

# Writes the path of each conda on the host to a file.
find_condas() {
  (in_environment each_conda "$CONDA_PLACES") | awk '!seen[$0]++' >"$folder/condas"
  [ -s "$folder/condas" ] || { ask_login_shell && find_condas; }
}

# A mamba with a conda beside it is older than version 2, and only another interface to that conda.
each_conda() {
  for each in "$CONDA_EXE" "$MAMBA_EXE"; do [ ! -x "$each" ] || printf '%s\n' "$each"; done
  printf '%s\n' "$PATH:$1" | tr : '\n' | while IFS= read -r place; do
    for each in conda micromamba mamba; do
      if [ "$each" = mamba ] && [ -x "$place/conda" ]; then continue; fi
      [ ! -x "$place/$each" ] || printf '%s\n' "$place/$each"
    done
  done
}

enter_modules() {
  find_modules || { ask_login_shell && find_modules; } || fail_tool module "$MODULE_PLACES"
  IFS=,
  set -f
  # shellcheck disable=SC2086
  set -- $1
  set +f
  unset IFS
  enter_by "$MODULES_CODE" "$modules" "$@" || cannot_enter
}

# Tries each file, since a tool that was removed may leave its own behind; in a function, to hide the arguments from it.
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

# Sets $modules to the files that may define `module`. Those in profile.d also know the site's own folders.
# shellcheck disable=SC2086
find_modules() {
  modules=$(in_environment each_module_file $MODULE_PLACES)
  [ -n "$modules" ]
}

each_module_file() {
  for each in "$LMOD_PKG/init/sh" "$MODULESHOME/init/sh" "$@"; do
    [ ! -r "$each" ] || printf '%s:' "$each"
  done
}

PROJECT_PLACES="$HOME/.local/bin:$HOME/.cargo/bin:$HOME/.pixi/bin:/opt/homebrew/bin:/usr/local/bin"

# Takes over the variables that `uv run` and its like set, so that the tool does not keep running.
enter_project() {
  find_tool "$1" || { ask_login_shell && find_tool "$1"; } || fail_tool "$1" "$(in_environment value_of PATH):$PROJECT_PLACES"
  enter_within 0 "$tool" run /bin/sh -c "$LEAVE_CODE" || cannot_enter
}

find_tool() { tool=$(in_environment program_in "$PROJECT_PLACES" "$1"); }

# $1 was not found in places $2.
fail_tool() {
  report where "$2"
  fail tool "$1"
}

# Takes over the variables of the user's login shell, which reads its start-up files as for a terminal. Only once, after
# quicker ways have failed: such a file may hang, or start something that keeps running.
ask_login_shell() {
  if [ -n "$asked" ] || [ ! -x "$SHELL" ]; then return 1; fi
  asked=1
  report phase environment
  case ${SHELL##*/} in
    csh | tcsh) enter_within 10 "$SHELL" -c "if ( -r ~/.login ) source ~/.login; exec /bin/sh -c '$LEAVE_CODE'" ;;
    *) enter_within 10 "$SHELL" -l -i -c "exec /bin/sh -c '$LEAVE_CODE'" ;;
  esac && return 0
  report note "cannot read the variables of your login shell on the host ($SHELL): check its start-up files"
  return 1
}

asked='' is_chosen=''
