# shellcheck shell=sh
# What the scripts on the host share. They run under /bin/sh, come on its standard input behind
# system/process.sh and the assignments of their variables, and answer in lines of this form:
#   @remote-notebook KEY VALUE
# The whole stands in `{ … } </dev/null`: no child eats the rest of the script, and none runs before all is there.

# $1: key, rest: value, without newlines. Ends the script when nobody listens any more.
tell() { printf '@remote-notebook %s\n' "$*" || exit 1; }

# One line of a record. $1: key, rest: value, without newlines.
keep() { printf '%s\n' "$*"; }

# Ends the script with a cause that the client knows.
fail() {
  tell failed "$*"
  exit 0
}

# A short wait. Fractions are no POSIX, yet GNU, BSD, macOS and busybox take them.
nap() { sleep 0.005 2>/dev/null || sleep 1; }

# A sign of life at some of the naps, by which a script notices that its caller is gone.
naps=0
heartbeat() {
  naps=$((naps + 1))
  [ $((naps % 30)) != 0 ] || tell alive
}

# Sets $path: $1 with a leading ~ made the home folder; one that begins with a dash is no option.
# shellcheck disable=SC2034 # its callers read it
expand_home() {
  path=$1
  # shellcheck disable=SC2088
  case $1 in
    '~' | '') path=$HOME ;;
    '~/'*) path=$HOME/${1#??} ;;
    -*) path=./$1 ;;
  esac
}

# A folder that only this user can enter.
private_folder() { (umask 077 && mkdir -p "$1") 2>/dev/null; }

# Reads the record in folder $1: what is known of a server, one `KEY VALUE` a line, of which the last counts.
# shellcheck disable=SC2034 # not each script needs all of it
read_record() {
  record_launch='' record_pid='' record_start_time='' record_runtime='' record_socket='' record_node='' record_job='' record_adopted=''
  [ -f "$1/record" ] || return 1
  while IFS= read -r line; do
    case $line in
      'launch '*) record_launch=${line#* } ;;
      'pid '*) record_pid=${line#* } ;;
      'start_time '*) record_start_time=${line#* } ;;
      'runtime '*) record_runtime=${line#* } ;;
      'socket '*) record_socket=${line#* } ;;
      'node '*) record_node=${line#* } ;;
      'job '*) record_job=${line#* } ;;
      'adopted '*) record_adopted=${line#* } ;;
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

# Sets $record to the folder for the record of server $name in directory $here.
# shellcheck disable=SC2034,SC2154
find_record() {
  checksum=$(cksum <<END
$here
END
  )
  record=$SERVERS/$name-${checksum%% *}
}

# The record in folder $1, and Jupyter's runtime file in one line.
tell_server() {
  while IFS= read -r line; do tell "$line"; done <"$1/record"
  IFS= read -r info <"$1/server.json"
  tell server "$info"
}

# The last lines of log $1, each in a frame; the very last may lack its end.
tell_log() {
  [ -f "$1" ] && tail -n 15 "$1" | while IFS= read -r line || [ -n "$line" ]; do tell log "$line"; done
}

# Ends process $1 that started at $2: TERM, and KILL after five seconds; with what it had started, if it had
# to be killed. Verified: answers how it ended, or `unkillable`.
end_process() {
  kill -TERM "$1" 2>/dev/null
  # A process that was stopped hears it only then.
  kill -CONT "$1" 2>/dev/null
  if gone_within 5 "$1" "$2"; then echo terminated; return; fi
  below=$(descendants "$1")
  kill -KILL "$1" 2>/dev/null
  # shellcheck disable=SC2086
  [ -z "$below" ] || kill -KILL $below 2>/dev/null
  if gone_within 5 "$1" "$2"; then echo killed; else echo unkillable; fi
}

# The same, with all that it started: for a server that did not come up. One that did may have processes of the
# user's, meant to outlive it.
end_tree() {
  started=$(for each in $(descendants "$1"); do printf '%s %s\n' "$each" "$(start_time "$each")"; done)
  # Where it leads a group, none of that is missed which begins just now.
  kill -TERM "-$1" 2>/dev/null
  end_process "$1" "$2"
  while read -r each each_start_time; do
    if is_alive "$each" "$each_start_time"; then end_process "$each" "$each_start_time" >/dev/null; fi
  done <<END
$started
END
}

# Whether process $2 that started at $3 ends within $1 seconds.
gone_within() {
  until=$(($(date +%s) + $1)) looks=0
  while is_alive "$2" "$3"; do
    looks=$((looks + 1))
    # What it waits for wants the processor, and each look at the clock is a process.
    [ $((looks % 5)) != 0 ] || [ "$(date +%s)" -le "$until" ] || return 1
    nap
  done
}

# The PIDs of all that process $1 started, and what these started.
descendants() {
  ps -A -o pid= -o ppid= 2>/dev/null | awk -v root="$1" '
    { parent[$1] = $2 }
    END {
      for (pid in parent) {
        for (p = parent[pid]; p in parent && p != root && p > 1; p = parent[p]);
        if (p == root) print pid
      }
    }'
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

# Removes what a launch leaves in folder $1 while it enters an environment: its user's variables among it, for one that
# was killed.
remove_passing() { rm -f "$1/entered" "$1/entered.part" "$1/entered.step" "$1/words" "$1/condas"; }

# Two starts at once: the second waits here, then finds the first one's server. The lock is a symbolic link
# whose text is its holder (launch, node, PID, start time), so that it is taken and signed in one step, and a dead
# holder's can be told.
take_lock() {
  node=$(uname -n) waited=''
  me="${launch:-none} $node $$ $(start_time $$)"
  private_folder "$1" || fail folder "$1"
  vain=0
  until ln -s "$me" "$1/lock" 2>/dev/null; do
    if ! signature=$(readlink "$1/lock"); then
      # Its holder has released it just now, and the folder with it; or nothing can be written here.
      vain=$((vain + 1))
      if [ "$vain" -gt 100 ] || ! private_folder "$1"; then fail folder "$1"; fi
    elif holder_lives "$1"; then
      heartbeat
      nap
    elif mv "$1/lock" "$1/lock.$$" 2>/dev/null; then
      [ "$(readlink "$1/lock.$$")" = "$signature" ] || mv "$1/lock.$$" "$1/lock"
      rm -f "$1/lock.$$"
    fi
  done
}

# Whether the holder that $signature tells has the lock in folder $1 still. On another node of those that share this
# home folder its PID means nothing: it counts for as long as a launch may take, and ten minutes more for its environment.
holder_lives() {
  holder=${signature#* }
  its_node=${holder%% *} holder=${holder#* }
  if [ "$its_node" = "$node" ]; then
    is_alive "${holder%% *}" "${holder#* }"
    return
  fi
  [ -z "$(find "$1/lock" -prune -mmin "+$((10 + ${timeout:-0} / 60))" 2>/dev/null)" ] || return 1
  [ -n "$waited" ] || tell note "another start is under way on $its_node, and is waited for"
  waited=1
}

# The folder goes as well when it is empty: one with a record is a server's.
release_lock() {
  rm -f "$1/lock"
  rmdir "$1" 2>/dev/null
}

# Enters the server's $directory, and sets $here to its true path; $path is what it has tried.
# shellcheck disable=SC2034,SC2154 # its callers assign the one and read the other
go_to_directory() {
  # A start-up file of the login shell may have gone elsewhere.
  cd 2>/dev/null || :
  expand_home "$directory"
  # By CDPATH it could be a folder of the same name elsewhere.
  CDPATH='' cd "$path" 2>/dev/null || return
  here=$(pwd -P)
}

# Who listens on port $1 of the host, where that can be known.
port_holder() {
  who=''
  if command -v ss >/dev/null 2>&1; then
    line=$(ss -Hltnpe "sport = :$1" 2>/dev/null | head -n 1)
    who=$(printf '%s\n' "$line" | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\2 \1/p')
    [ -z "$who" ] || who="$(process_name "${who%% *}" "${who#* }") (PID ${who%% *})"
    uid=$(printf '%s\n' "$line" | sed -n 's/.*uid:\([0-9]*\).*/\1/p')
    # It names no user for root.
    [ -n "$who" ] || [ -z "$line" ] || who="user $(id -un "${uid:-0}" 2>/dev/null || printf '%s' "$uid")"
  elif command -v lsof >/dev/null 2>&1; then
    # shellcheck disable=SC2046
    set -- $(lsof -nP +c0 "-iTCP:$1" -sTCP:LISTEN 2>/dev/null | awk 'NR == 2 { print $2, $1, $3 }')
    [ $# = 0 ] || who="$(process_name "$1" "$2") (PID $1) of $3"
  fi
  [ -z "$who" ] || tell holder "$who"
}

# What process $1 is called, as `wholeName` of system/port.ts has it: $2 is its name in the process table.
process_name() {
  name=$2
  # It runs in a shell of its own. A `*` among the words is no pattern: it could be one of the whole disk.
  set -f
  # shellcheck disable=SC2046
  set -- $(ps -ww -o args= -p "$1" 2>/dev/null)
  case ${1##*/} in
    [Pp]ython | [Pp]ython[0-9]*)
      [ "${2:-}" != -m ] || shift
      case ${2:--} in -*) ;; *) name=${2##*/} ;; esac
      ;;
    *)
      [ ${#name} -ge 15 ] || set --
      for word; do
        case ${word##*/} in "$name"*) name=${word##*/} && break ;; esac
      done
      ;;
  esac
  printf '%s' "$name"
}

echo
