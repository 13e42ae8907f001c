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
  record_launch='' record_origin='' record_pid='' record_start_time='' record_runtime='' record_socket='' record_node='' record_job='' record_adopted='' record_python='' record_relay='' record_container=''
  [ -f "$1/record" ] || return 1
  while IFS= read -r line; do
    key=${line%% *}
    case $key in
      launch | origin | pid | start_time | runtime | socket | node | job | adopted | python | relay | container) eval "record_$key=\${line#* }" ;;
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

# Fails if the server with process $2, the PID and start time, and origin $3 was started on another machine $4 (empty: unknown).
# If folder $1 of its record exists here, and no other server has it, the machines have one home folder.
must_be_same_machine() {
  [ -n "$4" ] || return 0
  if read_record "$1"; then
    [ "$record_pid $record_start_time" != "$2" ] || return 0
    [ -z "$3" ] || [ "$record_origin" != "$3" ] || return 0
  elif [ -d "$1" ]; then
    return 0
  fi
  this_machine=$(machine_identity)
  [ -z "$this_machine" ] || [ "$this_machine" = "$4" ] || fail replaced
}

# Reads the record in folder $1. Whether its server is alive, or its job has not ended.
record_lives() {
  read_record "$1" || return
  if [ -n "$record_job" ]; then job_lives "$record_job"; else is_alive "$record_pid" "$record_start_time"; fi
}

# Reports the record in folder $1, Jupyter's runtime file, and as $2 whether the server was already running.
report_server() {
  read_record "$1"
  while IFS= read -r line; do report "$line"; done <"$1/record"
  IFS= read -r info <"$1/server.json"
  report server "$info"
  report machine "$(machine_identity)"
  if [ -n "$record_job" ] && [ -f "$1/announced" ]; then
    report_age "$1"
  elif [ -n "$record_pid" ]; then
    report elapsed "$(elapsed "$record_pid" "$record_start_time")"
  fi
  report joined "$2"
}

# Removes the record in folder $1, and the files of its server except its log, whatever paths the record contains: not a
# runtime file of a later server with the same PID, and only a socket that a start has named.
remove_record() {
  read_record "$1"
  case $record_runtime in
    /*/jpserver-*.json | /*/nbserver-*.json)
      if [ -f "$record_runtime" ] && [ "$(tr -d '\n' <"$record_runtime")" = "$(cat "$1/server.json")" ]; then
        rm -f "$record_runtime" "${record_runtime%.json}-open.html"
      fi
      ;;
  esac
  remove_socket "$record_socket"
  end_relay "$record_relay"
  end_container "$record_container"
  rm -f "$1"/kernel-*.json "$1/python"
  rm -f "$1/record" "$1/server.json" "$1/runtime-folders" "$1/jupyter_server_config.py" "$1/jupyter_notebook_config.py" "$1/cookie-secret"
  rm -f "$1/job.sh" "$1/next.sh" "$1/next-part" "$1/announced" "$1"/announced-part-* "$1/booting" "$1/booting-part" "$1/ended" "$1/oom" "$1/record-part"
  remove_passing "$1"
}

# Removes socket $1 and its folder, which a start has made: a Jupyter that is ended by a signal leaves it behind.
remove_socket() {
  case $1 in
    */../*) return 0 ;;
    /*/remote-notebook-??????/jupyter.sock) ;;
    *) return 0 ;;
  esac
  [ ! -S "$1" ] || rm -f "$1"
  rmdir "${1%/*}" 2>/dev/null || :
}

# Whether the relay with socket $1 is running.
relay_lives() {
  [ -n "$1" ] && [ -S "$1" ] && read -r relay_pid relay_start_time <"$1.lock" && is_alive "$relay_pid" "$relay_start_time"
} 2>/dev/null

# Ends the relay with socket $1, and removes its folder, which a start has made.
end_relay() {
  case $1 in
    */../*) return 0 ;;
    /*/remote-notebook-??????/relay.sock) ;;
    *) return 0 ;;
  esac
  if relay_lives "$1"; then
    kill -TERM "$relay_pid" 2>/dev/null
    gone_within 2 "$relay_pid" "$relay_start_time" || kill -KILL "$relay_pid" 2>/dev/null
  fi
  rm -f "$1" "$1.lock" "$1.log" "${1%.sock}.py"
  rmdir "${1%/*}" 2>/dev/null || :
}

# Removes the container `PROGRAM NAME`, which mostly has removed itself: not one that a start has not made.
end_container() {
  case $1 in /*/podman\ remote-notebook-* | /*/docker\ remote-notebook-*) ;; *) return 0 ;; esac
  case ${1##* } in *[!a-z0-9-]*) ;; *) "${1% *}" rm --force "${1##* }" >/dev/null 2>&1 || : ;; esac
}

# Removes the record in folder $1 of an adopted server, which keeps running.
forget_record() {
  read_record "$1"
  end_relay "$record_relay"
  rm -f "$1/record" "$1/server.json"
}

# Runs function $2 for each folder of a server with name $1, one for each directory in which it was started.
each_named() {
  for each in "$SERVERS/$1"-*/; do
    case ${each#"$SERVERS/$1"-} in *[!0-9/]*) ;; *) "$2" "${each%/}" ;; esac
  done
}

# Removes the files that a launch needs in folder $1 to submit a job or enter an environment; they contain the user's variables.
remove_passing() {
  for each in "$1"/entered-* "$1/output" "$1/submitting" "$1/condas"; do
    [ ! -e "$each" ] || rm -f "$each"
  done
}
