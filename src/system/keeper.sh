#!/bin/sh
# Keeps one connection up: runs ssh, waits for its end, runs it again. Sleeps in between, costs nothing meanwhile.
#
#   keeper.sh FOLDER DESTINATION SSH [ARGUMENT...]
#
# FOLDER is the connection's own: `control` (ssh's socket), `forwards` (the wanted -L, one a line), `log` (what
# ssh said in this round) and `state`, which this script alone writes:
#   state connecting|connected|reconnecting|needs-login|failed
#   keeper PID START | ssh PID START | since SECONDS | try N | next SECONDS | said TEXT
#   up FORWARD | down FORWARD    one line for each wanted forward, while connected
#   looked N                     how often it has looked at them
# The first round may ask on the terminal; a later one never does.
# Signals: TERM ends it, USR1 means "try now, or say anew that it is up", USR2 "look at the forwards": ssh sends it
# when the connection is up, and a command that has written new ones.

set -u
# Whatever umask the user has, what stands here is theirs alone.
umask 077
folder=$1 destination=$2
shift 2
# Without a process, here and below: a start waits for what comes before ssh.
here=${0%/*}
# shellcheck source-path=SCRIPTDIR source=process.sh
. "$here/process.sh"

control=$folder/control
child='' sleeper='' up='' ending='' hurry='' try=0 said='' applied='' report='' looked=0
self=$$ began=0 silent='' reminder='' looking='' again='' unwritten=''
newline='
'
keeper="$self $(start_time "$self")"

# The terminal's signals are for the command that started this; ssh inherits that they are ignored.
trap '' HUP INT QUIT
trap 'ending=1; stop_child' TERM
trap 'hurry=1; [ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null; [ -z "$child" ] || connected' USR1
trap 'connected' USR2

stop_child() {
  [ -z "$child" ] || kill "$child" 2>/dev/null
  [ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null
  [ -z "$reminder" ] || kill "$reminder" 2>/dev/null
}

now() { date +%s; }

# Writes the state whole, so that no reader sees half of it; where the disk is full, the last one stays. $@: its
# lines. They are in no variable: a signal's own state can come in between.
write_state() {
  printf '%s\n' "keeper $keeper" "$@" ${said:+"said $said"} >"$folder/state.new" &&
    mv -f "$folder/state.new" "$folder/state"
} 2>/dev/null

# A signal can come while the last one is still answered: it is answered behind it, by another look.
connected() {
  again=1
  [ -z "$looking" ] || return 0
  looking=1
  while [ -n "$again" ]; do
    again=''
    look
  done
  looking=''
  [ -z "$again" ] || connected
}

look() {
  [ -S "$control" ] || return 0
  apply_forwards
  [ -n "$up" ] || up=$(now)
  # A signal in the midst of a request can hide that it succeeded: the look that follows asks again, and tells.
  [ -z "$again" ] || return 0
  looked=$((looked + 1)) unwritten=''
  write_state "state connected" "ssh $child $(start_time "$child")" "since $up" "looked $looked" "$report" || unwritten=1
  remind
}

# Whether line $1 is among the lines $2.
has_line() {
  case $newline$2$newline in *"$newline$1$newline"*) return 0 ;; esac
  return 1
}

# Without a process: it stands between a login and the tunnel.
read_wanted() {
  wanted=''
  [ -r "$folder/forwards" ] || return 0
  while IFS= read -r forward || [ -n "$forward" ]; do
    wanted=$wanted${wanted:+$newline}$forward
  done <"$folder/forwards"
}

# Makes the master's forwards those that are wanted, each by a request of its own: one that fails (its port is
# taken) keeps no other from working. Sets $report and $said.
apply_forwards() {
  read_wanted
  before=$applied applied='' report='' said=''
  while IFS= read -r forward; do
    [ -z "$forward" ] || has_line "$forward" "$wanted" || request cancel "$forward"
  done <<END
$before
END
  while IFS= read -r forward; do
    [ -n "$forward" ] || continue
    if has_line "$forward" "$before" || request forward "$forward"; then
      applied=$applied$newline$forward report=$report${report:+$newline}"up $forward"
    else
      report=$report${report:+$newline}"down $forward"
      said=$(printf '%s\n' "$answer" | tail -n 1)
    fi
  done <<END
$wanted
END
}

# A port that somebody else has is tried again later: bookmarks lead there. So is a state that found no room on the
# disk. Without either, nothing wakes up.
remind() {
  [ -z "$reminder" ] || kill "$reminder" 2>/dev/null
  reminder=''
  case $unwritten$report in
    1* | *'down '*)
      (
        trap 'kill "$nap"; exit' TERM
        sleep 5 &
        nap=$!
        wait "$nap" && kill -USR2 "$self"
      ) >/dev/null 2>&1 &
      reminder=$!
      ;;
  esac
}

request() { answer=$(ssh -F /dev/null -S "$control" -O "$1" -L "$2" master 2>&1 </dev/null); }

# One life of ssh. Its exit status is in $status, its words in the log. None where nothing can be written: it could not
# make its socket. (A `:` that is redirected in vain would end this script.)
run_ssh() {
  up='' applied='' status=1
  { { [ ! -e "$control" ] || rm -f "$control"; } && printf '' >"$folder/log"; } 2>/dev/null || {
    began=$(now)
    return
  }
  # TERM may have come while there was no ssh to end.
  [ -z "$ending" ] || return 0
  "$@" -o PermitLocalCommand=yes -o "LocalCommand=/bin/sh -c 'kill -USR2 $self'" -- "$destination" </dev/null 2>"$folder/log" &
  child=$!
  write_state "state connecting" "ssh $child $(start_time "$child")" "try $try"
  # Or just now: a child that has only begun does not hear it.
  [ -z "$ending" ] || stop_child
  began=$(now)
  await "$child"
  child='' report='' unwritten=''
  remind
}

# Waits for the end of $1, whatever signals come meanwhile.
await() {
  while :; do
    wait "$1"
    status=$?
    kill -0 "$1" 2>/dev/null || return 0
  done
}

carriage_return=$(printf '\r')

# Reads what ssh said. Sets $said to its last words, $silent if nobody answered, and $verdict to what is to be done
# about them: a second try where it can help, never where it could lock the user out.
judge() {
  verdict=retry said='' silent=''
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%"$carriage_return"}
    [ -z "$line" ] || said=$line
    case $line in
      *'Host key verification failed'* | *'REMOTE HOST IDENTIFICATION HAS CHANGED'*) verdict=failed ;;
      *'onfiguration option'* | *'onfiguration line'* | *'nsupported option'*) verdict=failed ;;
      *'imed out'*) silent=1 ;;
      *'Permission denied'* | *'Too many authentication failures'* | *'No more authentication methods'*)
        [ "$verdict" = failed ] || verdict=needs-login
        ;;
    esac
  done <"$folder/log"
}

# Waits $1 seconds, or until somebody is in a hurry.
pause() {
  sleep "$1" &
  sleeper=$!
  [ -z "$hurry" ] || kill "$sleeper" 2>/dev/null
  await "$sleeper"
  sleeper=''
}

# 1, 2, 4 ... 30 seconds, and up to a quarter more, so that a crowd does not come back as one.
delay() {
  seconds=$((1 << (try - 2 < 5 ? try - 2 : 5)))
  [ "$seconds" -le 30 ] || seconds=30
  LC_ALL=C awk -v s="$seconds" -v r="$(od -An -N2 -tu2 /dev/urandom)" 'BEGIN { printf "%.2f", s * (1 + r / 65536 / 4) }'
}

finish() {
  rm -f "$control"
  exit "${1:-0}"
}

# An ssh_config can send ssh to the background, where nobody could wait for it; before 8.7 it could not.
case $(ssh -V 2>&1) in
  OpenSSH_[1-7].* | OpenSSH_8.[0-6]*) ;;
  OpenSSH_*) set -- "$@" -o ForkAfterAuthentication=no ;;
esac

first=1
while :; do
  if [ -n "$first" ]; then
    run_ssh "$@"
  else
    SSH_ASKPASS_REQUIRE=never run_ssh "$@" -o BatchMode=yes -o ConnectTimeout=15
  fi
  [ -z "$ending" ] || finish
  [ -d "$folder" ] || exit 0
  judge
  # Without a first success there is nothing to keep: the command that waits says what went wrong.
  [ -z "$first" ] || [ -n "$up" ] || [ "$verdict" != retry ] || verdict=failed
  [ "$verdict" = retry ] || { write_state "state $verdict"; finish "$status"; }
  first=''
  [ "$try" = 0 ] || [ -z "$up" ] || [ $(($(now) - up)) -lt 60 ] || try=0
  try=$((try + 1))
  # The first try comes at once: each process in between is a millisecond or two without a tunnel. One that nobody
  # has answered was a pause itself, and the next is under way when the network comes back.
  if [ "$try" -gt 1 ] && { [ -z "$silent" ] || [ $(($(now) - began)) -lt 10 ]; }; then
    seconds=$(delay)
    write_state "state reconnecting" "try $try" "next $(($(now) + ${seconds%.*}))"
    [ -n "$hurry" ] || pause "$seconds"
  fi
  hurry=''
  [ -z "$ending" ] || finish
done
