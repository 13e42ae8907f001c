# Finds this server on the host, or starts it and waits until Jupyter has written its runtime file.
#
#   mode         start, or find: answer `absent` instead of starting one
#   launch, from, name, directory    see parts/detached.sh
#   setup, environment    see parts/environment.sh
#   command, port         empty: the default
#   token        the secret of a server that is started; empty: a new one
#   idle_timeout seconds of idleness after which Jupyter ends kernels, and then itself; empty: never
#   socket       not empty: Jupyter listens on a Unix socket instead of a port
#   strict_port  not empty: a taken port is a failure
#   timeout      seconds until a server that does not come up is ended
#
# Answers of a server that runs its record, `server` and, last, `joined`.
# Each process costs a millisecond or two: what is on the way of a start is left to the shell itself.

main() {
  go_to_directory || fail directory "$path"
  hold_record
  if record_lives "$folder"; then
    pid=$record_pid start_time=$record_start_time
    # Its launch was cut off before Jupyter was up, so it is waited for now.
    [ -s "$folder/server.json" ] || { enter_environment; await_server; }
    answer yes
  elif [ "$mode" = find ]; then
    report absent
  else
    [ ! -f "$folder/record" ] || remove_record "$folder"
    enter_environment
    choose_command
    report phase jupyter
    start_server
    await_server
    answer no
  fi
}

undo() {
  end_helper
  undo_begun
}

start_server() {
  set -- --no-browser "--notebook-dir=$here"
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
    report note "this is root's account, where Jupyter starts only with --allow-root: passed"
  fi
  give_token
  share_cookies
  begin "$run" "$@"
  if is_users_machine; then report boot here; else report boot there; fi
  # Before Jupyter is up, so that a server is known however this script ends; the runtime file is added later.
  put_on_record keep_server
}

keep_server() {
  keep environment "$environment"
  keep command "$command"
  [ -z "$socket" ] || keep socket "$socket"
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
  place=$(in_environment local_folder)/remote-notebook-$(id -u)
  private_folder "$place"
  case $(ls -ld "$place" 2>/dev/null) in
    d???------*) [ -O "$place" ] || fail socket "$place is not yours" ;;
    *) fail socket "$place is open to others" ;;
  esac
  socket=$place/${folder##*/}.sock
  [ "${#socket}" -le 100 ] || fail socket "$socket is too long"
}

local_folder() { printf '%s' "${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}"; }

# By its environment the token is in no argument list, and Jupyter keeps it out of its log.
give_token() {
  # shellcheck disable=SC2046
  [ -n "$token" ] || token=$(join_words $(od -An -N24 -tx1 /dev/urandom))
  quote "$token"
  adjust_environment "export JUPYTER_TOKEN=$quoted"
}

join_words() { IFS='' && printf '%s' "$*"; }

# A browser sends the cookies of an address to each of its ports. jupyter_server keeps its _xsrf for the paths below
# its base_url, others theirs for all: where both are, a page reads the one and its server the other, and nothing is
# saved any more. Each takes what another gave, so all of them keep it for all paths. Only by a file it is added to
# what tornado_settings the user has, and those to whom it means nothing pass over it.
share_cookies() {
  # It would be two folders of that list.
  case $folder in *:*) return 0 ;; esac
  (umask 077 && printf '%s\n' 'c.ServerApp.tornado_settings.update({"xsrf_cookie_kwargs": {"path": "/"}})' \
    >"$folder/jupyter_server_config.py") 2>/dev/null || fail folder "$folder"
  quote "$folder"
  adjust_environment "export JUPYTER_CONFIG_PATH=$quoted\"\${JUPYTER_CONFIG_PATH:+:\$JUPYTER_CONFIG_PATH}\""
}

# Waits for the runtime file of $pid. Jupyter's name for it tells the PID, unless the command is a wrapper that
# stays: then the file is known by the token in it.
await_server() {
  (in_environment each_runtime_folder) >"$folder/runtime-folders" || fail folder "$folder"
  deadline=$(($(date +%s) + timeout))
  looks=0
  until runtime_file_of "$pid"; do
    looks=$((looks + 1))
    if [ $((looks % 40)) = 0 ] && runtime_file_with_token; then break; fi
    if ! is_alive "$pid" "$start_time"; then
      report_log "$folder/log"
      port_holder "$port"
      begun=1
      fail died
    fi
    if [ $((looks % 40)) = 0 ] && [ "$(date +%s)" -gt "$deadline" ]; then
      report_log "$folder/log"
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
  [ -n "$token" ] || return 1
  while IFS= read -r place; do
    for runtime in "$place"/*server-*.json; do
      if [ ! -s "$runtime" ] || ! flatten "$runtime"; then continue; fi
      case $info in *"$token"*) ;; *) continue ;; esac
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
  report_server "$folder"
  report joined "$1"
  answered=1
}

main
exit 0
