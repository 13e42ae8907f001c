# Chooses the command that starts Jupyter, once the environment is entered.

# Where Jupyter is when the PATH of a shell that is no login shell lacks it.
USUAL_PLACES="$HOME/.local/bin:$HOME/miniforge3/bin:$HOME/miniconda3/bin:$HOME/anaconda3/bin:/opt/conda/bin:/usr/local/bin"

# Sets $command, for people, and $run, for a shell in the environment: what the user named, else JupyterLab where the
# environment has it, else the notebook. These are run without the `jupyter` before them, which would just look
# them up, and start Python a second time for it.
choose_command() {
  if [ -n "$command" ]; then
    run=$command
    # To a shell, these end a command or begin another: our options would go to the wrong one.
    case $command in
      *[\;\&\|\<\>\(\)]*)
        quote "$command \"\$@\""
        run="sh -c $quoted sh"
        find_program jupyter
        return 0
        ;;
    esac
    # The user's words as a shell reads them, without a comment, which would swallow our options.
    run=$(in_environment "quoted_words $command")
    eval "set -- $run"
    find_program "$1" || fail jupyter "$1"
    return 0
  fi
  find_program jupyter || fail jupyter jupyter
  jupyter=$found
  verify_own
  for interface in lab notebook; do
    [ -x "${jupyter%/*}/jupyter-$interface" ] || continue
    quote "${jupyter%/*}/jupyter-$interface"
    command="jupyter $interface" run=$quoted
    return 0
  done
  fail interface "$jupyter"
}

quoted_words() { for word; do quote "$word" && printf '%s ' "$quoted"; done; }

# Sets $found to where program $1 is, and makes the environment's PATH one that has it, if there is any: the quick way
# first.
find_program() {
  look_up "$1" && return 0
  [ -n "$environment" ] || { ask_login_shell && look_up "$1" && return 0; }
  case $environment in
    conda:* | module:* | uv | poetry | pixi) ;;
    *)
      quote ":$USUAL_PLACES"
      adjust_environment "PATH=\$PATH$quoted"
      ;;
  esac
  look_up "$1" && return 0
  report where "$(in_environment value_of PATH)${asked:+ (and by the login shell, $SHELL)}"
  return 1
}

look_up() { found=$(in_environment 'command -v' "$1" 2>/dev/null); }

# Another Jupyter would not see what the environment has. A venv may be meant to use its system's.
verify_own() {
  case $environment in
    '' | module:*) return 0 ;;
    conda:* | pixi) prefix=$(in_environment value_of CONDA_PREFIX) ;;
    *) prefix=$(in_environment value_of VIRTUAL_ENV) ;;
  esac
  case $jupyter in "$prefix"/*) return 0 ;; esac
  case $environment in
    conda:* | uv | poetry | pixi) report where "$prefix/bin"; fail jupyter jupyter ;;
    *) report note "$environment has no jupyter of its own; this is $jupyter" ;;
  esac
}
