# shellcheck shell=sh
# shellcheck disable=SC2154 # its variables are assigned in front of it
# Chooses the command that starts Jupyter, once the environment is entered. A part of launch.sh, doctor.sh and survey.sh.

# Where Jupyter is when the PATH of a shell that is no login shell lacks it.
USUAL_PLACES="$HOME/.local/bin:$HOME/miniforge3/bin:$HOME/miniconda3/bin:$HOME/anaconda3/bin:/opt/conda/bin:/usr/local/bin"

# Sets $command, for people, and $run, for this shell: what the user named, else JupyterLab where the
# environment has it, else the notebook. These are run without the `jupyter` before them, which would just look
# them up, and start Python a second time for it.
choose_command() {
  if [ -n "$command" ]; then
    run=$command
    # To a shell, these end a command or begin another: our options would go to the wrong one.
    case $command in
      *[\;\&\|\<\>\(\)]*)
        # shellcheck disable=SC2016 # its own shell reads it
        run='sh -c "$command \"\$@\"" sh'
        find_program jupyter
        return 0
        ;;
    esac
    program=$(eval "first_word $command")
    find_program "$program" || fail jupyter "$program"
    return 0
  fi
  find_program jupyter || fail jupyter jupyter
  jupyter=$(command -v jupyter)
  verify_own
  for interface in lab notebook; do
    [ -x "${jupyter%/*}/jupyter-$interface" ] || continue
    # shellcheck disable=SC2034 # launch.sh runs it
    command="jupyter $interface" run="\"\${jupyter%/*}/jupyter-$interface\""
    return 0
  done
  fail interface "$jupyter"
}

# shellcheck disable=SC2317 # eval calls it
first_word() { printf '%s' "$1"; }

# Makes PATH one that has program $1, if there is any: the quick way first.
# shellcheck disable=SC2031
find_program() {
  command -v "$1" >/dev/null 2>&1 && return 0
  [ -n "$environment" ] || { ask_login_shell && command -v "$1" >/dev/null 2>&1 && return 0; }
  case $environment in
    conda:* | module:* | uv | poetry | pixi) ;;
    *) PATH=$PATH:$USUAL_PLACES ;;
  esac
  command -v "$1" >/dev/null 2>&1 && return 0
  tell where "$PATH${asked:+ (and by the login shell, $SHELL)}"
  return 1
}

# Another Jupyter would not see what the environment has. A venv may be meant to use its system's.
verify_own() {
  case $environment in
    '' | module:*) return 0 ;;
    conda:* | pixi) prefix=$CONDA_PREFIX ;;
    *) prefix=$VIRTUAL_ENV ;;
  esac
  case $jupyter in "$prefix"/*) return 0 ;; esac
  case $environment in
    conda:* | uv | poetry | pixi) tell where "$prefix/bin"; fail jupyter jupyter ;;
    *) tell note "$environment has no jupyter of its own; this is $jupyter" ;;
  esac
}
