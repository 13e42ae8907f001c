# A server's record: what is known of it, in a folder of its own.

# Reads the record in folder $1: what is known of a server, one `KEY VALUE` a line, of which the last counts.
read_record() {
  record_launch='' record_pid='' record_start_time='' record_runtime='' record_socket='' record_node='' record_job='' record_adopted=''
  [ -f "$1/record" ] || return 1
  while IFS= read -r line; do
    key=${line%% *}
    case $key in
      launch | pid | start_time | runtime | socket | node | job | adopted) eval "record_$key=\${line#* }" ;;
    esac
  done <"$1/record"
}

# Whether the server of the record that was read was started on another node of those that share this home folder: its
# PID means nothing here, and nobody can tell from here whether it lives. A scheduler knows its job on each of them.
is_elsewhere() { [ -z "$record_job" ] && [ -n "$record_node" ] && [ "$record_node" != "$(uname -n)" ]; }

# Fails when the server of the record in folder $1 is elsewhere.
must_be_here() {
  read_record "$1" || return 0
  ! is_elsewhere || fail elsewhere "$record_node $(uname -n) $1"
}

# Whether the server of the record in folder $1 lives.
record_lives() {
  read_record "$1" && is_alive "$record_pid" "$record_start_time"
}

# Where the records of all servers are.
SERVERS=${XDG_STATE_HOME:-$HOME/.local/state}/remote-notebook/servers

# The record in folder $1, and Jupyter's runtime file in one line.
report_server() {
  while IFS= read -r line; do report "$line"; done <"$1/record"
  IFS= read -r info <"$1/server.json"
  report server "$info"
}

# Removes what the server of the record in folder $1 left: the record, its log, and its runtime files, unless
# a later server with the same PID wrote these.
remove_record() {
  read_record "$1"
  if [ -f "$record_runtime" ] && [ "$(tr -d '\n' <"$record_runtime")" = "$(cat "$1/server.json")" ]; then
    rm -f "$record_runtime" "${record_runtime%.json}-open.html"
  fi
  # Jupyter leaves its socket behind when a signal ends it.
  [ -z "$record_socket" ] || rm -f "$record_socket"
  rm -f "$1/record" "$1/server.json" "$1/log" "$1/runtime-folders" "$1/jupyter_server_config.py"
  remove_passing "$1"
}

# Removes the record of a server that goes on, and that this program has not started.
forget_record() { rm -f "$1/record" "$1/server.json"; }

# Removes what a launch leaves in folder $1 while it enters an environment: its user's variables among it. A launch that
# was killed has left it, too.
remove_passing() {
  for each in "$1"/entered-* "$1/output" "$1/condas"; do
    [ ! -e "$each" ] || rm -f "$each"
  done
}
