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
# shellcheck source-path=SCRIPTDIR source=../system/process.sh
. "$here/../system/process.sh"

control=$folder/control
child='' sleeper='' up='' ending='' hurry='' try=0 said='' applied='' report='' looked=0
self=$$ lost='' alone='' patience='' dice=$$ reminder='' looking='' again='' unwritten=''
session='' hung=0
# Whether ssh_config has forwards of the user's own for this destination, as far as is known; whether one of ours was
# taken; whether this ssh has ours on its command line.
theirs=1 taken='' bound=''
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
  [ -n "$up" ] || { up=$(now) && send_at_once; }
  # A signal in the midst of a request can hide that it succeeded: the look that follows asks again, and tells.
  [ -z "$again" ] || return 0
  looked=$((looked + 1)) unwritten=''
  write_state "state connected" "ssh $child $(start_time "$child")" "since $up" "looked $looked" "$report" || unwritten=1
  remind
}

# An sshd sends small packets at once only after its first session has begun (session.c, packet.c: set_nodelay). Before,
# each waits until the last one is acknowledged, and a page has many small answers at a time. A start, which has no
# forwards yet, begins a session of its own. On a host where they hang, in a start-up file say, each would stay.
send_at_once() {
  [ -n "$wanted" ] && [ "$hung" -lt 3 ] || return 0
  ssh -F /dev/null -T -S "$control" -o ProxyCommand=false master true </dev/null >/dev/null 2>&1 &
  session=$!
}

# Counts the sessions in a row that had no end before their connection had.
judge_session() {
  [ -n "$session" ] || return 0
  # One that somebody has stopped would not see that end, and there would be no other connection.
  kill -CONT "$session" 2>/dev/null
  wait "$session"
  [ "$?" = 255 ] && hung=$((hung + 1)) || hung=0
  session=''
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
# disk. Without either, nothing wakes up. A TERM can come while the state is written, which seems to have failed then.
remind() {
  [ -z "$reminder" ] || kill "$reminder" 2>/dev/null
  reminder=''
  [ -z "$ending" ] || return 0
  case $unwritten$newline$report in
    1* | *"${newline}down "*)
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
# make its socket. (A `:` that is redirected in vain would end this script.) Only an ssh that was killed leaves a socket.
run_ssh() {
  up='' applied='' bound='' status=1
  { { [ ! -e "$control" ] || rm -f "$control"; } && printf '' >"$folder/log"; } 2>/dev/null || return 0
  # TERM may have come while there was no ssh to end.
  [ -z "$ending" ] || return 0
  if [ -n "$theirs$taken" ]; then start_ssh "$@"; else start_with_forwards "$@"; fi
  write_state "state connecting" "ssh $child $(start_time "$child")" "try $try"
  # Or just now: a child that has only begun does not hear it.
  [ -z "$ending" ] || stop_child
  # What interrupts the first wait is ssh's word that it is up: before that, each process keeps the tunnel waiting.
  [ -n "$bound" ] || look_for_theirs "$@"
  wait "$child"
  status=$?
  if kill -0 "$child" 2>/dev/null; then
    [ -z "$bound" ] || look_for_theirs "$@"
    await "$child"
  fi
  child=''
  judge_session
  [ -z "$up" ] || case $newline$report in *"${newline}down "*) taken=1 ;; *) taken='' ;; esac
  report='' unwritten=''
  remind
}

start_ssh() {
  "$@" -o PermitLocalCommand=yes -o "LocalCommand=/bin/sh -c 'kill -USR2 $self'" -- "$destination" </dev/null 2>"$folder/log" &
  child=$!
}

# With the wanted forwards on its command line ssh has bound them before it says that it is up: all of them, or it
# ends, and the next one gets them by requests. Each request is a process between a login and the tunnel.
start_with_forwards() {
  read_wanted
  program=$1 applied=$wanted bound=1
  shift
  while IFS= read -r forward; do
    [ -z "$forward" ] || set -- "$@" -L "$forward"
  done <<END
$wanted
END
  start_ssh "$program" -o ClearAllForwardings=no -o ExitOnForwardFailure=yes "$@"
}

# Only ClearAllForwardings keeps the user's own forwards out, and it clears the command line's, too. An ssh_config that
# has got some meanwhile costs the ssh that holds them its life.
look_for_theirs() {
  program=$1 theirs=''
  shift
  "$program" -G -o ClearAllForwardings=no "$@" -- "$destination" </dev/null 2>/dev/null |
    grep -Eq '^(local|remote|dynamic)forward ' || return 0
  theirs=1
  [ -z "$bound" ] || kill "$child" 2>/dev/null
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

# Reads what ssh said. Sets $said to its last words, $alone if it met nobody, $patience to the seconds that the next
# one gets for it, and $verdict to what is to be done: a second try where it can help, never where it could lock the
# user out. A lost packet is sent again after 1, 2, 4 ... seconds: a new try is sooner, but a slow host needs time.
judge() {
  verdict=retry said='' alone='' patience=4
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%"$carriage_return"}
    [ -z "$line" ] || said=$line
    case $line in
      *'Host key verification failed'* | *'REMOTE HOST IDENTIFICATION HAS CHANGED'*) verdict=failed ;;
      *'onfiguration option'* | *'onfiguration line'* | *'nsupported option'*) verdict=failed ;;
      *'Could not request local forwarding'*) [ -z "$bound" ] || verdict=again taken=1 ;;
      *'connect to host '*'onnection refused'*) ;;
      *'connect to host '* | *'Could not resolve hostname'* | *'not responding'*) alone=1 ;;
      *'imed out'*) alone=1 patience=15 ;;
      *'Permission denied'* | *'Too many authentication failures'* | *'No more authentication methods'*)
        [ "$verdict" = failed ] || verdict=needs-login
        ;;
    esac
  done <"$folder/log"
  # What it said before it was up, of a mistyped password say, is no reason.
  [ -z "$up" ] || verdict=retry
  [ -z "$bound" ] || [ -z "$theirs" ] || verdict=again
}

# Waits $1 seconds, or until somebody is in a hurry.
pause() {
  sleep "$1" &
  sleeper=$!
  [ -z "$hurry" ] || kill "$sleeper" 2>/dev/null
  await "$sleeper"
  sleeper=''
}

# Sets $seconds to those until the next try, at the most 30. Who met nobody asks nobody too much: a thirtieth of the
# time since. Who was turned away waits 1, 2, 4 ... Up to a quarter more in $nap: a crowd does not come back as one.
plan_nap() {
  if [ -n "$alone" ]; then
    seconds=$((($(now) - lost) / 30))
    [ "$seconds" -ge 1 ] || seconds=1
  else
    seconds=$((1 << (try - 2 < 5 ? try - 2 : 5)))
  fi
  [ "$seconds" -le 30 ] || seconds=30
  dice=$(((dice * 1103515245 + 12345) % 2147483648))
  hundredths=$((seconds * 100 + seconds * 25 * dice / 2147483648))
  nap=$((hundredths / 100)).$((hundredths / 10 % 10))$((hundredths % 10))
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
    SSH_ASKPASS_REQUIRE=never run_ssh "$@" -o BatchMode=yes -o ConnectTimeout="$patience"
  fi
  [ -z "$ending" ] || finish
  [ -d "$folder" ] || exit 0
  judge
  # Without a first success there is nothing to keep: the command that waits says what went wrong.
  [ -z "$first" ] || [ -n "$up" ] || [ "$verdict" != retry ] || verdict=failed
  [ "$verdict" = retry ] || [ "$verdict" = again ] || { write_state "state $verdict"; finish "$status"; }
  first=''
  [ "$verdict" = retry ] || continue
  [ -z "$up" ] || lost=''
  [ "$try" = 0 ] || [ -z "$up" ] || [ $(($(now) - up)) -lt 60 ] || try=0
  try=$((try + 1))
  # The first try comes at once: each process in between is a millisecond or two without a tunnel.
  if [ "$try" -gt 1 ]; then
    [ -n "$lost" ] || lost=$(now)
    plan_nap
    write_state "state reconnecting" "try $try" "next $(($(now) + seconds))"
    [ -n "$hurry" ] || pause "$nap"
  fi
  hurry=''
  [ -z "$ending" ] || finish
done
