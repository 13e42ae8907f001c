# shellcheck shell=sh
# shellcheck disable=SC2154 # its variables are assigned in front of it
# Finds this server on the host, or starts it and waits until Jupyter has written its runtime file.
#
#   mode         start, or find: answer `absent` instead of starting one
#   launch       a name for this attempt, by which its caller can undo just what it began
#   token        the secret of a server that is started; empty: a new one
#   from         the machine that asks, to be told who started a server
#   name, directory, setup, environment, command, port    the server; empty: the default
#   idle_timeout seconds of idleness after which Jupyter ends kernels, and then itself; empty: never
#   socket       not empty: Jupyter listens on a Unix socket instead of a port
#   strict_port  not empty: a taken port is a failure
#   timeout      seconds until a server that does not come up is ended
#
# Answers `folder` (of the record), `phase`, `boot here|there` (whether the user sits at this very machine), `note`,
# `log`, `holder` (of a port that was taken), `failed CAUSE …` and `where` it was looked for; and of a server that runs
# its record (see write_record), `server` (Jupyter's runtime file in one line) and, last, `joined yes|no`. While it waits
# it sends `alive`, so that it notices when its caller is gone.
# Each process costs a millisecond or two: what is on the way of a start is left to the shell itself.

main() {
  go_to_directory || fail directory "$path"
  find_record
  folder=$record
  trap 'leave' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  tell folder "$folder"
  take_lock "$folder"
  locked=1
  must_be_here "$folder"
  if record_lives "$folder"; then
    pid=$record_pid start_time=$record_start_time
    # Its launch was cut off before Jupyter was up, so it is waited for now.
    [ -s "$folder/server.json" ] || { enter_environment; await_server; }
    answer yes
  elif [ "$mode" = find ]; then
    tell absent
  else
    [ ! -f "$folder/record" ] || remove_record "$folder"
    enter_environment
    choose_command
    tell phase jupyter
    start_server
    await_server
    answer no
  fi
}

# Whatever ends this script before its answer was given ends the server that it began as well.
# shellcheck disable=SC2317 # a trap calls it
leave() {
  trap '' HUP INT TERM PIPE
  end_helper
  [ -z "$entered" ] || remove_passing "$folder"
  if [ -n "$making" ] && [ -z "$answered" ]; then
    if [ -n "$child" ]; then
      end_tree "$child" "$child_start_time" >/dev/null
      ! is_alive "$pid" "$start_time" || end_process "$pid" "$start_time" >/dev/null
    fi
    remove_record "$folder"
  fi
  # Not later: a lock whose holder is gone counts as none, and the next one's would be removed.
  [ -z "$locked" ] || release_lock "$folder"
}

start_server() {
  making=1
  # The user's own command line, as their shell would read it; our options come behind it.
  eval "set -- $run"
  set -- "$@" --no-browser "--notebook-dir=$here"
  if [ -n "$socket" ]; then
    choose_socket
    # Each kind of server takes its own of the two, and passes over the other.
    set -- "$@" "--ServerApp.sock=$socket" "--NotebookApp.sock=$socket"
  else
    set -- "$@" --ip=127.0.0.1 "--port=$port"
    if [ -n "$strict_port" ]; then set -- "$@" --port-retries=0; else set -- "$@" --port-retries=50; fi
  fi
  if [ -n "$idle_timeout" ]; then
    # Of the last two, each kind of server takes its own. A page that was left open keeps nothing up.
    set -- "$@" "--MappingKernelManager.cull_idle_timeout=$idle_timeout" --MappingKernelManager.cull_interval=60 \
      --MappingKernelManager.cull_connected=True "--ServerApp.shutdown_no_activity_timeout=$idle_timeout" \
      "--NotebookApp.shutdown_no_activity_timeout=$idle_timeout"
  fi
  if [ "$(id -u)" = 0 ]; then
    set -- "$@" --allow-root
    tell note "this is root's account, where Jupyter starts only with --allow-root: passed"
  fi
  make_token
  share_cookies
  boot "$@"
  if is_users_machine; then tell boot here; else tell boot there; fi
  write_record
}

# Runs the command detached. Sets $child, and $pid until Jupyter names its own.
boot() {
  (umask 077 && : >"$folder/log") 2>/dev/null || fail folder "$folder"
  if command -v setsid >/dev/null 2>&1; then
    setsid "$@" >"$folder/log" 2>&1 &
  else
    nohup "$@" >"$folder/log" 2>&1 &
  fi
  child=$!
  child_start_time=$(start_time "$child")
  pid=$child start_time=$child_start_time
}

# Then both ends of the tunnel want their port of the same machine.
is_users_machine() {
  # shellcheck disable=SC2086
  set -- $SSH_CONNECTION
  [ "$1" = "$3" ]
}

# Sets $socket to a path on this machine's own disk: homes may be shared, and sockets do not work there. A folder
# that somebody else made, or could enter, is refused; so is a path without room in a socket's address.
choose_socket() {
  place=${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}/remote-notebook-$(id -u)
  private_folder "$place"
  case $(ls -ld "$place" 2>/dev/null) in
    d???------*) [ -O "$place" ] || fail socket "$place is not yours" ;;
    *) fail socket "$place is open to others" ;;
  esac
  socket=$place/${folder##*/}.sock
  [ "${#socket}" -le 100 ] || fail socket "$socket is too long"
}

# By its environment the token is in no argument list, and Jupyter keeps it out of its log.
make_token() {
  JUPYTER_TOKEN=$token
  export JUPYTER_TOKEN
  [ -z "$token" ] || return 0
  # shellcheck disable=SC2046
  set -- $(od -An -N24 -tx1 /dev/urandom)
  JUPYTER_TOKEN=$(IFS='' && printf '%s' "$*")
}

# A browser sends the cookies of an address to each of its ports. jupyter_server keeps its _xsrf for the paths below
# its base_url, others theirs for all: where both are, a page reads the one and its server the other, and nothing is
# saved any more. Each takes what another gave, so all of them keep it for all paths. Only by a file it is added to
# what tornado_settings the user has, and those to whom it means nothing pass over it.
share_cookies() {
  # It would be two folders of that list.
  case $folder in *:*) return 0 ;; esac
  (umask 077 && printf '%s\n' 'c.ServerApp.tornado_settings.update({"xsrf_cookie_kwargs": {"path": "/"}})' \
    >"$folder/jupyter_server_config.py") 2>/dev/null || fail folder "$folder"
  JUPYTER_CONFIG_PATH=$folder${JUPYTER_CONFIG_PATH:+:$JUPYTER_CONFIG_PATH}
  export JUPYTER_CONFIG_PATH
}

# Before Jupyter is up, so that a server is known however this script ends; the runtime file is added later.
write_record() {
  umask 077
  {
    keep launch "$launch"
    keep pid "$pid"
    keep start_time "$start_time"
    keep node "$(uname -n)"
    keep name "$name"
    keep asked "$directory"
    keep from "$from"
    keep directory "$here"
    keep environment "$environment"
    keep command "$command"
    [ -z "$socket" ] || keep socket "$socket"
    keep started "$(date +%s)"
  } >"$folder/record" || fail folder "$folder"
}

# Waits for the runtime file of $pid. Jupyter's name for it tells the PID, unless the command is a wrapper that
# stays: then the file is known by the token in it.
await_server() {
  each_runtime_folder >"$folder/runtime-folders" || fail folder "$folder"
  deadline=$(($(date +%s) + timeout))
  looks=0
  until runtime_file_of "$pid"; do
    looks=$((looks + 1))
    if [ $((looks % 40)) = 0 ] && runtime_file_with_token; then break; fi
    if ! is_alive "$pid" "$start_time"; then
      tell_log "$folder/log"
      port_holder "$port"
      # What a command that went into the background has left there.
      kill -TERM "-$child" 2>/dev/null
      remove_record "$folder"
      child=''
      fail died
    fi
    if [ $((looks % 40)) = 0 ] && [ "$(date +%s)" -gt "$deadline" ]; then
      tell_log "$folder/log"
      fail timeout "$timeout"
    fi
    heartbeat
    nap
  done
  keep runtime "$runtime" >>"$folder/record"
}

# Jupyter's rules for the place of its runtime files, with the variables that the environment may have set.
each_runtime_folder() {
  printf '%s\n' "${JUPYTER_RUNTIME_DIR:-${JUPYTER_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/jupyter}/runtime}"
  [ -n "$JUPYTER_RUNTIME_DIR$JUPYTER_DATA_DIR" ] || printf '%s\n' "$HOME/Library/Jupyter/runtime"
}

runtime_file_of() {
  while IFS= read -r place; do
    for runtime in "$place/jpserver-$1.json" "$place/nbserver-$1.json"; do
      [ ! -s "$runtime" ] || ! flatten "$runtime" || return 0
    done
  done <"$folder/runtime-folders"
  return 1
}

runtime_file_with_token() {
  [ -n "$JUPYTER_TOKEN" ] || return 1
  while IFS= read -r place; do
    for runtime in "$place"/*server-*.json; do
      if [ ! -s "$runtime" ] || ! flatten "$runtime"; then continue; fi
      case $info in *"$JUPYTER_TOKEN"*) ;; *) continue ;; esac
      pid=${info##*\"pid\": } pid=${pid%%[!0-9]*}
      start_time=$(start_time "$pid")
      {
        keep pid "$pid"
        keep start_time "$start_time"
      } >>"$folder/record"
      return 0
    done
  done <"$folder/runtime-folders"
  return 1
}

# Keeps runtime file $1 in one line, here and in $info. Jupyter does not write it in one step: it is whole when
# its bracket is closed.
flatten() {
  tr -d '\n' <"$1" >"$folder/server.json"
  IFS= read -r info <"$folder/server.json"
  case $info in *'}') return 0 ;; esac
  rm -f "$folder/server.json"
  return 1
}

answer() {
  IFS= read -r info <"$folder/server.json"
  case $info in
    *'"port": '"$port"[!0-9]*) ;;
    *) [ "$1" = yes ] || [ -n "$socket" ] || port_holder "$port" ;;
  esac
  tell_server "$folder"
  tell joined "$1"
  answered=1
}

# shellcheck disable=SC2034 # environment.sh
child='' making='' child_start_time='' helper='' entered='' asked='' answered='' locked='' JUPYTER_TOKEN=''
main
exit 0
