# shellcheck shell=sh
# shellcheck disable=SC2154 # its variables are assigned in front of it
# Finds this notebook's server on the host, or starts it and waits until Jupyter has written its runtime file.
#
#   mode         start, or find: answer `absent` instead of starting one
#   launch       a name for this attempt, by which its caller can undo just what it began
#   name, directory, environment, command, port    the notebook; empty: the default
#   strict_port  not empty: a taken port is a failure
#   timeout      seconds until a server that does not come up is ended
#
# Answers `folder` (of the record), `phase`, `note`, `log`, `holder` (of a port that was taken), `failed CAUSE …`;
# and of a server that runs: `directory`, `environment`, `command`, `began` (its start time, as the host's process
# table tells it), `started` (the same in seconds since 1970), `server` (Jupyter's runtime file in one line) and,
# last, `joined yes|no`. While it waits it sends `alive`, so that it notices when its caller is gone.

main() {
  go_to_directory
  servers=${XDG_STATE_HOME:-$HOME/.local/state}/remote-notebook/servers
  folder=$servers/$name-$(pwd -P | cksum | cut -d ' ' -f 1)
  private_folder "$servers" || fail folder "$servers"
  trap 'leave' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  tell folder "$folder"
  take_lock "$folder"
  locked=1
  if record_lives "$folder"; then
    answer yes
  elif [ "$mode" = find ]; then
    tell absent
  else
    remove_record "$folder"
    tell phase environment
    enter_environment
    choose_command
    tell phase jupyter
    start_server
    await_server
    write_record
    answer no
  fi
}

go_to_directory() {
  target=$(expand_home "$directory")
  cd "$target" 2>/dev/null || fail directory "$target"
}

# Whatever ends this script before its answer was given ends the server that it began as well.
# shellcheck disable=SC2317 # a trap calls it
leave() {
  trap '' HUP INT TERM PIPE
  if [ -n "$child" ] && [ -z "$answered" ]; then
    end_process "${pid:-$child}" "${began:-$child_began}" >/dev/null
    remove_record "$folder"
  fi
  [ -z "$locked" ] || release_lock "$folder"
}

enter_environment() {
  [ -n "$environment" ] || return 0
  environment_path=$(expand_home "$environment")
  [ -r "$environment_path/bin/activate" ] || fail environment "$environment_path" "$(pwd -P)"
  # shellcheck disable=SC1091
  . "$environment_path/bin/activate"
}

# Where Jupyter is when the PATH of a shell that is no login shell lacks it.
USUAL_PLACES="$HOME/.local/bin:$HOME/miniforge3/bin:$HOME/miniconda3/bin:$HOME/anaconda3/bin:/opt/conda/bin:/usr/local/bin"

# Sets $command: what the user named, else JupyterLab where the environment has it, else the notebook.
choose_command() {
  PATH=$PATH:$USUAL_PLACES
  if [ -n "$command" ]; then
    program=$(eval "first_word $command")
    command -v "$program" >/dev/null 2>&1 || fail jupyter "$program" "$PATH"
    return 0
  fi
  jupyter=$(command -v jupyter) || fail jupyter jupyter "$PATH"
  case $jupyter in
    "${VIRTUAL_ENV:-${jupyter%/*}}"/*) ;;
    *) [ -z "$environment" ] || tell note "$environment has no jupyter of its own; this is $jupyter" ;;
  esac
  if [ -x "${jupyter%/*}/jupyter-lab" ]; then
    command='jupyter lab'
  elif [ -x "${jupyter%/*}/jupyter-notebook" ]; then
    command='jupyter notebook'
  else
    fail interface "$jupyter"
  fi
}

# shellcheck disable=SC2317 # eval calls it
first_word() { printf '%s' "$1"; }

start_server() {
  # The user's own command line, as their shell would read it; our options come behind it.
  eval "set -- $command"
  set -- "$@" --no-browser --ip=127.0.0.1 "--port=$port" "--notebook-dir=$(pwd -P)"
  if [ -n "$strict_port" ]; then set -- "$@" --port-retries=0; else set -- "$@" --port-retries=50; fi
  if [ "$(id -u)" = 0 ]; then
    set -- "$@" --allow-root
    tell note "this is root's account, where Jupyter starts only with --allow-root: passed"
  fi
  # By its environment the token is in no argument list, and Jupyter keeps it out of its log.
  JUPYTER_TOKEN=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  export JUPYTER_TOKEN
  (umask 077 && : >"$folder/log") 2>/dev/null || fail folder "$folder"
  if command -v setsid >/dev/null 2>&1; then
    setsid "$@" >"$folder/log" 2>&1 &
  else
    nohup "$@" >"$folder/log" 2>&1 &
  fi
  child=$!
  child_began=$(start_time "$child")
}

# Waits for the runtime file; sets $runtime, $pid and $began. Jupyter's name for it tells the PID, unless the
# command is a wrapper that stays: then the file is known by the token in it.
await_server() {
  deadline=$(($(date +%s) + timeout))
  looks=0
  until runtime_file_of "$child"; do
    looks=$((looks + 1))
    if [ $((looks % 20)) = 0 ] && runtime_file_with_token; then break; fi
    if ! is_alive "$child" "$child_began"; then
      tell_log "$folder/log"
      port_holder "$port"
      remove_record "$folder"
      child=''
      fail died
    fi
    if [ $((looks % 10)) = 0 ] && [ "$(date +%s)" -gt "$deadline" ]; then
      tell_log "$folder/log"
      fail timeout "$timeout"
    fi
    tell alive
    nap
  done
  pid=$(tr -d '\n' <"$runtime" | sed 's/.*"pid": *\([0-9]*\).*/\1/')
  began=$(start_time "$pid")
}

# Jupyter's rules for the place of its runtime files, with the variables that the environment may have set.
each_runtime_folder() {
  printf '%s\n' "${JUPYTER_RUNTIME_DIR:-${JUPYTER_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/jupyter}/runtime}"
  [ -n "$JUPYTER_RUNTIME_DIR$JUPYTER_DATA_DIR" ] || printf '%s\n' "$HOME/Library/Jupyter/runtime"
}

runtime_file_of() {
  each_runtime_folder >"$folder/runtime-folders"
  while IFS= read -r place; do
    for runtime in "$place/jpserver-$1.json" "$place/nbserver-$1.json"; do
      is_complete "$runtime" && return 0
    done
  done <"$folder/runtime-folders"
  return 1
}

runtime_file_with_token() {
  while IFS= read -r place; do
    for runtime in "$place"/*server-*.json; do
      is_complete "$runtime" || continue
      case $(cat "$runtime") in *"$JUPYTER_TOKEN"*) return 0 ;; esac
    done
  done <"$folder/runtime-folders"
  return 1
}

# Jupyter does not write the file in one step: it is whole when its bracket is closed.
is_complete() {
  [ -s "$1" ] || return 1
  case $(tail -c 3 "$1" 2>/dev/null) in *'}'*) return 0 ;; esac
  return 1
}

write_record() {
  (
    umask 077
    tr -d '\n' <"$runtime" >"$folder/server.json"
    {
      printf 'launch %s\npid %s\nbegan %s\nstarted %s\nnode %s\n' "$launch" "$pid" "$began" "$(date +%s)" "$(uname -n)"
      printf 'directory %s\nenvironment %s\ncommand %s\nruntime %s\n' "$(pwd -P)" "$environment" "$command" "$runtime"
    } >"$folder/record.new" && mv "$folder/record.new" "$folder/record"
  ) || fail folder "$folder"
  case $(cat "$folder/server.json") in
    *'"port": '"$port"[!0-9]*) ;;
    *) port_holder "$port" ;;
  esac
}

# Who listens on port $1 of the host, where that can be known.
port_holder() {
  who=''
  if command -v ss >/dev/null 2>&1; then
    line=$(ss -Hltnpe "sport = :$1" 2>/dev/null | head -n 1)
    who=$(printf '%s\n' "$line" | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1 (PID \2)/p')
    uid=$(printf '%s\n' "$line" | sed -n 's/.*uid:\([0-9]*\).*/\1/p')
    [ -n "$who" ] || [ -z "$uid" ] || who="user $(id -un "$uid" 2>/dev/null || printf '%s' "$uid")"
  elif command -v lsof >/dev/null 2>&1; then
    who=$(lsof -nP "-iTCP:$1" -sTCP:LISTEN 2>/dev/null | awk 'NR == 2 { print $1 " (PID " $2 ") of " $3 }')
  fi
  [ -z "$who" ] || tell holder "$who"
}

answer() {
  tell directory "$(record_value "$folder" directory)"
  tell environment "$(record_value "$folder" environment)"
  tell command "$(record_value "$folder" command)"
  tell began "$began"
  tell started "$(record_value "$folder" started)"
  tell server "$(cat "$folder/server.json")"
  tell joined "$1"
  answered=1
}

child='' answered='' locked=''
main
exit 0
