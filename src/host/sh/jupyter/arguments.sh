# Where Jupyter listens, and its arguments. A start uses them, and doctor reads the configuration that they result in.
#
#   port            on the loopback address; empty: Jupyter listens on a socket
#   strict_port     not empty: on no other port
#   fallback_port   its port where it cannot listen on a socket
#   idle_timeout    in seconds; empty: none
#   expose          not empty: on the network address of this node, instead of the loopback address or a socket

# Sets $socket, unless a port is set. Where Jupyter cannot listen on a socket, sets $port.
choose_socket() {
  if [ -n "$expose" ]; then
    port=${port:-$fallback_port} address=$(uname -n)
    return
  fi
  [ -z "$port" ] || return 0
  make_socket_folder || use_port "$no_socket"
}

# Makes a server for which no port is set listen on one, for reason $1.
use_port() {
  report no_socket "$1"
  socket='' port=$fallback_port strict_port=''
}

# Sets $socket to a path in a new private folder. Not in the home folder, which may be shared with other machines, nor in
# XDG_RUNTIME_DIR, which logind removes after the user's last session. Fails with the reason in $no_socket.
make_socket_folder() {
  place=$(in_environment 'CDPATH="" cd -P "${TMPDIR:-/tmp}" 2>/dev/null && pwd')
  case $place in
    '' | *[!A-Za-z0-9/._+@,=-]*) no_socket="TMPDIR is not a folder in which a socket can be created"; return 1 ;;
  esac
  # unix(7): 108 bytes with the final null; macOS has 104.
  [ "${#place}" -le 62 ] || { no_socket="the path of the temporary folder is too long ($place)"; return 1; }
  only_owner_renames "$place" || { no_socket="other users could replace files of yours in $place"; return 1; }
  place=$(umask 077 && mktemp -d "$place/remote-notebook-XXXXXX" 2>/dev/null) ||
    { no_socket="cannot create a folder in the temporary folder"; return 1; }
  socket=$place/jupyter.sock
}

# Runs command $@ with these arguments after its own. They override the user's configuration of Jupyter.
with_arguments() {
  set -- "$@" --no-browser "--notebook-dir=$here" "--ServerApp.preferred_dir=$here" "--ip=$address"
  # With a socket, Jupyter accepts only its own default port. One that does not know sockets uses it.
  if [ -n "$socket" ]; then set -- "$@" --port=8888; else set -- "$@" "--port=$port"; fi
  if [ -n "$strict_port" ]; then set -- "$@" --port-retries=0; else set -- "$@" --port-retries=50; fi
  # Each kind of server knows one of the two, and ignores the other.
  for each in ServerApp NotebookApp; do
    # The file of the cookie secret that Jupyter has by default is shared by all servers of a user, and outlives them.
    set -- "$@" "--$each.sock=$socket" "--$each.sock_mode=0600" "--$each.file_to_run=" \
      "--$each.cookie_secret_file=$folder/cookie-secret"
    [ -z "$idle_timeout" ] || set -- "$@" "--$each.shutdown_no_activity_timeout=$idle_timeout"
  done
  # A page that was left open does not keep its kernel alive.
  [ -z "$idle_timeout" ] || set -- "$@" "--MappingKernelManager.cull_idle_timeout=$idle_timeout" \
    --MappingKernelManager.cull_interval=60 --MappingKernelManager.cull_connected=True
  [ "$(id -u)" != 0 ] || set -- "$@" --allow-root
  "$@"
}

socket='' address=127.0.0.1
