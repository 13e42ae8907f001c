# Finds a server on the host, or starts it and waits until Jupyter has written its runtime file.
#
#   mode         start, or find: report `absent` instead of starting one
#   launch, from, name, directory    see parts/detached.sh
#   setup, environment, command, port, socket, strict_port, idle_timeout    settings of the server; empty: the default
#   token        the secret of a new server; empty: a random one
#   timeout      in seconds, for Jupyter to come up
#
# A process costs a millisecond or two, so what every start does is left to the shell itself.

main() {
  go_to_directory "$directory" || fail directory "$path"
  hold_record
  joined=yes
  if record_lives "$folder"; then
    pid=$record_pid start_time=$record_start_time
    # If its launch was cut off before Jupyter was up, this one waits for it.
    [ -s "$folder/server.json" ] || { enter_environment; await_server; }
  elif [ "$mode" = find ]; then
    report absent
    return
  else
    joined=no
    [ ! -f "$folder/record" ] || remove_record "$folder"
    enter_environment
    choose_command
    report phase jupyter
    start_server
    await_server
  fi
  IFS= read -r info <"$folder/server.json"
  case $info in
    *'"port": '"$port"[!0-9]*) ;;
    *) [ "$joined" = yes ] || [ -n "$socket" ] || port_holder "$port" ;;
  esac
  finish "$joined"
}

undo() {
  end_helper
  undo_begun
}

start_server() {
  set -- --no-browser "--notebook-dir=$here"
  if [ -n "$socket" ]; then
    choose_socket
    # Each kind of server knows one of the two, and ignores the other.
    set -- "$@" "--ServerApp.sock=$socket" "--NotebookApp.sock=$socket"
  else
    set -- "$@" --ip=127.0.0.1 "--port=$port"
    if [ -n "$strict_port" ]; then set -- "$@" --port-retries=0; else set -- "$@" --port-retries=50; fi
  fi
  if [ -n "$idle_timeout" ]; then
    # Each kind of server knows one of the last two. A page that was left open does not keep its kernel alive.
    set -- "$@" "--MappingKernelManager.cull_idle_timeout=$idle_timeout" --MappingKernelManager.cull_interval=60 \
      --MappingKernelManager.cull_connected=True "--ServerApp.shutdown_no_activity_timeout=$idle_timeout" \
      "--NotebookApp.shutdown_no_activity_timeout=$idle_timeout"
  fi
  if [ "$(id -u)" = 0 ]; then
    set -- "$@" --allow-root
    report note "running as root, so Jupyter gets the option --allow-root"
  fi
  give_token
  share_cookies
  begin "$run" "$@"
  if is_users_machine; then report boot here; else report boot there; fi
  # The record is written before Jupyter is up, so that the server is known even if this script is cut off.
  put_on_record keep_server
}

keep_server() {
  keep environment "$environment"
  keep command "$command"
  [ -z "$socket" ] || keep socket "$socket"
}

# Whether both ends of the connection are on one machine, where the tunnel and the server compete for ports.
is_users_machine() {
  # shellcheck disable=SC2086
  set -- $SSH_CONNECTION
  [ "$1" = "$3" ]
}

# Sets $socket to a path on a local disk, since the home folder may be shared, and sockets do not work there.
choose_socket() {
  place=$(in_environment 'printf %s "${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}"')/remote-notebook-$(id -u)
  private_folder "$place"
  case $(ls -ld "$place" 2>/dev/null) in
    d???------*) [ -O "$place" ] || fail socket "$place is not yours" ;;
    *) fail socket "$place is open to others" ;;
  esac
  socket=$place/${folder##*/}.sock
  [ "${#socket}" -le 100 ] || fail socket "$socket is too long"
}

# Passes the token in the environment, where neither the process table nor Jupyter's log shows it.
give_token() {
  # shellcheck disable=SC2046
  [ -n "$token" ] || token=$(set -- $(od -An -N24 -tx1 /dev/urandom) && IFS='' && printf '%s' "$*")
  quote "$token"
  adjust_environment "export JUPYTER_TOKEN=$quoted"
}

# A browser sends the cookies of an address to each of its ports. jupyter_server sets its _xsrf cookie for the paths
# below its base_url, other servers for all paths. With both, a page reads one and its server the other, and nothing can
# be saved. So all servers set it for all paths, and share it. Only a configuration file can add this to the
# tornado_settings of the user; servers that do not know the setting ignore it.
share_cookies() {
  # JUPYTER_CONFIG_PATH cannot contain such a folder.
  case $folder in *:*) return 0 ;; esac
  (umask 077 && printf '%s\n' 'c.ServerApp.tornado_settings.update({"xsrf_cookie_kwargs": {"path": "/"}})' \
    >"$folder/jupyter_server_config.py") 2>/dev/null || fail folder "$folder"
  quote "$folder"
  adjust_environment "export JUPYTER_CONFIG_PATH=$quoted\"\${JUPYTER_CONFIG_PATH:+:\$JUPYTER_CONFIG_PATH}\""
}

# Waits for the runtime file of $pid. If the command is a wrapper that stays, Jupyter has another PID: its token decides.
await_server() {
  (in_environment each_runtime_folder) >"$folder/runtime-folders" || fail folder "$folder"
  deadline=$(($(date +%s) + timeout))
  looks=0
  until find_runtime_file "$pid"; do
    looks=$((looks + 1))
    if [ $((looks % 40)) = 0 ] && [ -n "$token" ] && find_runtime_file '*'; then
      pid=${info##*\"pid\": } pid=${pid%%[!0-9]*}
      start_time=$(start_time "$pid")
      keep_identity >>"$folder/record"
      break
    fi
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

# Jupyter's rules for the folder of its runtime files, with the variables of the environment.
each_runtime_folder() {
  printf '%s\n' "${JUPYTER_RUNTIME_DIR:-${JUPYTER_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/jupyter}/runtime}"
  [ -n "$JUPYTER_RUNTIME_DIR$JUPYTER_DATA_DIR" ] || printf '%s\n' "$HOME/Library/Jupyter/runtime"
}

# Sets $runtime to the runtime file of process $1, or for * to one with the token, and copies it as one line to $folder and
# $info. Jupyter does not write it in one step: it is complete when its bracket is closed.
find_runtime_file() {
  while IFS= read -r place; do
    # shellcheck disable=SC2086
    for runtime in "$place"/jpserver-$1.json "$place"/nbserver-$1.json; do
      [ -s "$runtime" ] || continue
      tr -d '\n' <"$runtime" >"$folder/server.json"
      IFS= read -r info <"$folder/server.json"
      case "$1 $info" in '* '*"$token"*'}' | [0-9]*'}') return 0 ;; esac
      rm -f "$folder/server.json"
    done
  done <"$folder/runtime-folders"
  return 1
}

main
