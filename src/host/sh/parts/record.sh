# The folder of all records.
SERVERS=${XDG_STATE_HOME:-$HOME/.local/state}/remote-notebook/servers

# Sets $record to the folder for server $1 in directory $here.
find_record() {
  checksum=$(cksum <<END
$here
END
  )
  record=$SERVERS/$1-${checksum%% *}
}

# Reads the record in folder $1: lines of `KEY VALUE`, of which the last with a key applies.
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

# Whether the server of the record that was read has a process on another node with this home folder.
is_elsewhere() { [ -z "$record_job" ] && [ -n "$record_node" ] && [ "$record_node" != "$(uname -n)" ]; }

# Reads the record in folder $1, and fails if its server is on another node.
must_be_here() {
  read_record "$1" || return 0
  ! is_elsewhere || fail elsewhere "$record_node $(uname -n) $1"
}

# Reads the record in folder $1. Whether its server is alive.
record_lives() { read_record "$1" && is_alive "$record_pid" "$record_start_time"; }

# Reports the record in folder $1, Jupyter's runtime file, and as $2 whether the server was already running.
report_server() {
  while IFS= read -r line; do report "$line"; done <"$1/record"
  IFS= read -r info <"$1/server.json"
  report server "$info"
  report joined "$2"
}

# Removes the record in folder $1, and the files of its server; not a runtime file of a later server with the same PID.
remove_record() {
  read_record "$1"
  if [ -f "$record_runtime" ] && [ "$(tr -d '\n' <"$record_runtime")" = "$(cat "$1/server.json")" ]; then
    rm -f "$record_runtime" "${record_runtime%.json}-open.html"
  fi
  # A Jupyter that is ended by a signal leaves its socket behind.
  [ -z "$record_socket" ] || rm -f "$record_socket"
  rm -f "$1/record" "$1/server.json" "$1/log" "$1/runtime-folders" "$1/jupyter_server_config.py"
  remove_passing "$1"
}

# Removes the record in folder $1 of an adopted server, which keeps running.
forget_record() { rm -f "$1/record" "$1/server.json"; }

# Removes the files that a launch needs in folder $1 to enter an environment; they contain the user's variables.
remove_passing() {
  for each in "$1"/entered-* "$1/output" "$1/condas"; do
    [ ! -e "$each" ] || rm -f "$each"
  done
}
