# A Jupyter server: starts it, and waits until it has written its runtime file. A launcher runs its process.
#
#   origin       the attempt that started the server first, if this one restarts it
#   setup, environment, command, port, strict_port, idle_timeout    settings of the server; empty: the default
#   fallback_port    where a server listens that has no port in its settings, and cannot listen on a socket
#   timeout      in seconds, for Jupyter to come up
#   relay_program    see parts/relay.sh

undo_server() {
  end_helper
  # It may not be on record yet.
  end_relay "$record_relay"
  undo_begun
  remove_socket "$socket"
}

start_server() {
  choose_socket
  if [ "$(id -u)" = 0 ]; then report note "running as root, so Jupyter gets the option --allow-root"; fi
  give_token
  configure_jupyter
  if [ -n "$container" ]; then
    ! make_relay_folder || relay_folder=${record_relay%/*}
    contain
  fi
  with_arguments begin "$run"
  # The record is written before Jupyter is up, so that the server is known even if this script is cut off.
  put_on_record keep_server
  start_relay "$folder"
  report boot "$socket"
}

keep_server() {
  keep origin "$origin"
  keep environment "$environment"
  keep command "$command"
  [ -z "$socket" ] || keep socket "$socket"
  [ -z "$prefix" ] || keep prefix "$prefix"
  [ -z "$python" ] || keep python "$python"
  [ -z "$container_name" ] || keep container "$tool $container_name"
  [ -z "$relay_folder" ] || keep relay "$record_relay"
}

# Passes the token in the environment, where neither the process table nor Jupyter's log shows it.
give_token() {
  # shellcheck disable=SC2046
  token=$(set -- $(od -An -N24 -tx1 /dev/urandom) && IFS='' && printf '%s' "$*")
  quote "$token"
  adjust_environment "export JUPYTER_TOKEN=$quoted"
}

# A browser sends the cookies of an address to each of its ports. jupyter_server sets its _xsrf cookie for the paths
# below its base_url, other servers for all paths. With both, a page reads one and its server the other, and nothing can
# be saved. So all servers set it for all paths, and share it. Only a configuration file can add this to the
# tornado_settings of the user; servers that do not know the setting ignore it.
# A page whose laptop sleeps does not answer the pings of its server, which would close its socket after 90 s, and write
# the output of some seconds nowhere: ws_ping_timeout, in milliseconds.
# jupyter-server-nbmodel writes the output of a cell to the notebook while no page is open, but jupyter-server-ydoc forgets
# an open notebook 60 s after its last page was closed, and its output with it: document_cleanup_delay, never.
configure_jupyter() {
  # JUPYTER_CONFIG_PATH cannot contain such a folder.
  case $folder in *:*) return 0 ;; esac
  (
    umask 077
    printf '%s\n' 'c.ServerApp.tornado_settings.update({"xsrf_cookie_kwargs": {"path": "/"}, "ws_ping_timeout": 10**9})' \
      'c.YDocExtension.document_cleanup_delay = None' >"$folder/jupyter_server_config.py"
    printf '%s\n' 'c.NotebookApp.tornado_settings.update({"ws_ping_timeout": 10**9})' >"$folder/jupyter_notebook_config.py"
  ) 2>/dev/null || cannot_write "$folder"
  quote "$folder"
  adjust_environment "export JUPYTER_CONFIG_PATH=$quoted\"\${JUPYTER_CONFIG_PATH:+:\$JUPYTER_CONFIG_PATH}\""
}

# Waits until $pid has written its runtime file, and listens: only then does a failed connection show what sshd forbids.
# If the command is a wrapper that stays, Jupyter has another PID: its token decides.
await_server() {
  (in_environment each_runtime_folder) >"$folder/runtime-folders" || cannot_write "$folder"
  deadline=$(($(date +%s) + timeout))
  looks=0
  until find_runtime_file "$pid" && is_listening; do
    looks=$((looks + 1))
    if [ $((looks % 40)) = 0 ] && [ -n "$token$container" ] && find_runtime_file '*'; then
      pid=${info##*\"pid\": } pid=${pid%%[!0-9]*}
      start_time=$(start_time "$pid")
      keep_identity 3>>"$folder/record"
      break
    fi
    if ! is_alive "$pid" "$start_time"; then
      [ -z "$container" ] || explain_container
      report_log "$folder/log"
      [ -n "$socket" ] || port_holder "$port"
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
  keep runtime "$runtime" 3>>"$folder/record"
  [ -z "$container" ] || name_in_image
  # In its container, it can be started only now.
  [ -z "$container" ] || start_relay "$folder"
}

# Whether the server of $info listens where it says. A Jupyter that does not know sockets listens on a port.
is_listening() {
  case $info in
    *'"sock": "/'*) [ -S "$socket" ] ;;
    *)
      [ -z "$socket" ] || ignores_socket
      listening=${info##*\"port\": }
      [ "$(holds_port "$pid" "${listening%%[!0-9]*}")" != no ]
      ;;
  esac
}

ignores_socket() {
  remove_socket "$socket"
  keep socket '' 3>>"$folder/record"
  use_port "this version of Jupyter does not support sockets"
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
      { [ -s "$runtime" ] && [ -O "$runtime" ]; } || continue
      tr -d '\n' <"$runtime" >"$folder/server.json"
      IFS= read -r info <"$folder/server.json"
      case "$1 $info" in '* '*"$token"*'}' | [0-9]*'}') return 0 ;; esac
      rm -f "$folder/server.json"
    done
  done <"$folder/runtime-folders"
  return 1
}
