#!/bin/sh
# Keeps one connection open: runs ssh, waits for its end, and runs it again. Uses no CPU time in between.
#
#   keeper.sh FOLDER DESTINATION SSH [ARGUMENT...]
#
# FOLDER belongs to the connection: `control` (ssh's socket), `forwards` (the wanted -L arguments, one per line), `log`
# (the output of the last ssh) and `state`, which only this script writes:
#   state connecting|connected|reconnecting|needs-login|failed
#   keeper PID START | ssh PID START | since SECONDS | try N | next SECONDS | message TEXT
#   up FORWARD | down FORWARD    one line for each wanted forward, while connected
#   looked N                     how often the keeper has compared its forwards with the wanted ones
# Only the first ssh may ask on the terminal.
# Signals: TERM ends the keeper. USR1 makes it try now, or write again that it is connected. USR2 makes it look at the
# forwards: ssh sends it when the connection is open, and a command when it has written new forwards.

set -u
umask 077
folder=$1 destination=$2
shift 2
# `dirname` would be a process, and a start waits for all that runs before ssh.
here=${0%/*}
# shellcheck source-path=SCRIPTDIR source=../system/process.sh
. "$here/../system/process.sh"

control=$folder/control
child='' sleeper='' up='' ending='' hurry='' try=0 message='' applied='' report='' looked=0
self=$$ lost='' unreachable='' timeout='' random=$$ reminder='' looking='' again='' unwritten=''
session='' hung=0
# theirs: ssh_config may have forwards of the user's own for this destination. taken: the port of one of our forwards
# was in use. bound: this ssh has our forwards on its command line.
theirs=1 taken='' bound=''
newline='
'
keeper="$self $(start_time "$self")"

# The terminal's signals are for the command that started the keeper. ssh ignores them, too.
trap '' HUP INT QUIT
trap 'ending=1; stop_child' TERM
trap 'hurry=1; [ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null; [ -z "$child" ] || connected' USR1
trap 'connected' USR2

stop_child() {
  for process in $child $sleeper $reminder; do kill "$process" 2>/dev/null; done
}

now() { date +%s; }

# Replaces the state file: no reader sees half of it, and the last state stays when the disk is full. $@: its lines, which
# are in no variable, because a signal handler may write a state in between.
write_state() {
  printf '%s\n' "keeper $keeper" "$@" ${message:+"message $message"} >"$folder/state.new" &&
    mv -f "$folder/state.new" "$folder/state"
} 2>/dev/null

# Looks at the forwards. A signal that comes during a look makes another look follow.
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
  # A signal during a request can hide that it succeeded: the next look asks again, and writes the state.
  [ -z "$again" ] || return 0
  looked=$((looked + 1)) unwritten=''
  write_state "state connected" "ssh $child $(start_time "$child")" "since $up" "looked $looked" "$report" || unwritten=1
  remind
}

# Begins a session that ends at once: only then does an sshd set TCP_NODELAY (session.c: set_nodelay), which a page with
# many small responses needs. A start, without forwards yet, begins its own session. Not on a host where sessions hang.
send_at_once() {
  [ -n "$wanted" ] && [ "$hung" -lt 3 ] || return 0
  ssh -F /dev/null -T -S "$control" -o ProxyCommand=false master true </dev/null >/dev/null 2>&1 &
  session=$!
}

# Counts the consecutive sessions that did not end before their connection.
judge_session() {
  [ -n "$session" ] || return 0
  # A stopped session would never end, and `wait` would keep the keeper from connecting again.
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

# Sets $wanted to the wanted forwards, without a process: the tunnel waits for this.
read_wanted() {
  wanted=''
  [ -r "$folder/forwards" ] || return 0
  while IFS= read -r forward || [ -n "$forward" ]; do
    wanted=$wanted${wanted:+$newline}$forward
  done <"$folder/forwards"
}

# Makes ssh have the wanted forwards and no others. Each has a request of its own, so that a forward whose port is in
# use does not affect the others. Sets $report and $message.
apply_forwards() {
  read_wanted
  before=$applied applied='' report='' message=''
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
      message=$(printf '%s\n' "$response" | tail -n 1)
    fi
  done <<END
$wanted
END
}

# Makes the keeper look again in 5 seconds if a port was in use (bookmarks point to it) or the disk was full. A TERM can
# make the writing of the state fail, too.
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

request() { response=$(ssh -F /dev/null -S "$control" -O "$1" -L "$2" master 2>&1 </dev/null); }

# Runs ssh to its end. Sets $status to its exit status; its output is in the log. Does not run it on a full disk, where
# ssh could not create its socket. `printf ''`, because a failed redirection of `:` would end this script.
run_ssh() {
  up='' applied='' bound='' status=1
  # An ssh that was killed leaves its socket.
  { { [ ! -e "$control" ] || rm -f "$control"; } && printf '' >"$folder/log"; } 2>/dev/null || return 0
  [ -z "$ending" ] || return 0
  if [ -n "$theirs$taken" ]; then start_ssh "$@"; else start_with_forwards "$@"; fi
  write_state "state connecting" "ssh $child $(start_time "$child")" "try $try"
  # A child that has only just begun may have missed a TERM.
  [ -z "$ending" ] || stop_child
  # ssh's own signal interrupts the first wait when it is connected. Each process before that would delay the tunnel.
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

# Starts ssh with the wanted forwards on its command line, which is faster than a request for each. If it cannot bind all
# of them, it ends, and the next ssh gets them by requests.
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

# Sets $theirs if ssh_config has forwards of the user's own. Only ClearAllForwardings keeps them out of this connection,
# and it would clear those on the command line, too. So an ssh that has ours there is ended if it got theirs as well.
look_for_theirs() {
  program=$1 theirs=''
  shift
  "$program" -G -o ClearAllForwardings=no "$@" -- "$destination" </dev/null 2>/dev/null |
    grep -Eq '^(local|remote|dynamic)forward ' || return 0
  theirs=1
  [ -z "$bound" ] || kill "$child" 2>/dev/null
}

# Waits for the end of process $1, even if signals interrupt `wait`. Sets $status to its exit status.
await() {
  while :; do
    wait "$1"
    status=$?
    kill -0 "$1" 2>/dev/null || return 0
  done
}

carriage_return=$(printf '\r')

# Reads the output of ssh. Sets $message to its last line, $unreachable if no host responded, $timeout to the seconds
# that the next ssh gets to connect (few, since TCP is slow to repeat a lost packet; more for a slow host), and $verdict
# to retry, again (at once), needs-login or failed: never to a retry that could lock the user out.
judge() {
  verdict=retry message='' unreachable='' timeout=4
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%"$carriage_return"}
    [ -z "$line" ] || message=$line
    case $line in
      *'Host key verification failed'* | *'REMOTE HOST IDENTIFICATION HAS CHANGED'*) verdict=failed ;;
      *'onfiguration option'* | *'onfiguration line'* | *'nsupported option'*) verdict=failed ;;
      *'Could not request local forwarding'*) [ -z "$bound" ] || verdict=again taken=1 ;;
      *'connect to host '*'onnection refused'*) ;;
      *'connect to host '* | *'Could not resolve hostname'* | *'not responding'*) unreachable=1 ;;
      *'imed out'*) unreachable=1 timeout=15 ;;
      *'Permission denied'* | *'Too many authentication failures'* | *'No more authentication methods'*)
        [ "$verdict" = failed ] || verdict=needs-login
        ;;
    esac
  done <"$folder/log"
  # A message from before the connection was open, of a mistyped password for example, is not the reason of its end.
  [ -z "$up" ] || verdict=retry
  [ -z "$bound" ] || [ -z "$theirs" ] || verdict=again
}

# Waits $1 seconds, or until USR1 sets $hurry.
pause() {
  sleep "$1" &
  sleeper=$!
  [ -z "$hurry" ] || kill "$sleeper" 2>/dev/null
  await "$sleeper"
  sleeper=''
}

# Sets $seconds to the pause before the next try, at most 30. If no host was reachable, retrying is cheap: wait 1/30 of
# the time since the loss. If a host refused, wait 1, 2, 4 ... seconds. $nap is up to a quarter longer, at random, so that
# many clients do not come back at the same time.
plan_nap() {
  if [ -n "$unreachable" ]; then
    seconds=$((($(now) - lost) / 30))
    [ "$seconds" -ge 1 ] || seconds=1
  else
    seconds=$((1 << (try - 2 < 5 ? try - 2 : 5)))
  fi
  [ "$seconds" -le 30 ] || seconds=30
  random=$(((random * 1103515245 + 12345) % 2147483648))
  hundredths=$((seconds * 100 + seconds * 25 * random / 2147483648))
  nap=$((hundredths / 100)).$((hundredths / 10 % 10))$((hundredths % 10))
}

finish() {
  rm -f "$control"
  exit "${1:-0}"
}

# From version 8.7, an ssh_config can send ssh to the background, where the keeper could not wait for it.
case $(ssh -V 2>&1) in
  OpenSSH_[1-7].* | OpenSSH_8.[0-6]*) ;;
  OpenSSH_*) set -- "$@" -o ForkAfterAuthentication=no ;;
esac

first=1
while :; do
  if [ -n "$first" ]; then
    run_ssh "$@"
  else
    SSH_ASKPASS_REQUIRE=never run_ssh "$@" -o BatchMode=yes -o ConnectTimeout="$timeout"
  fi
  [ -z "$ending" ] || finish
  [ -d "$folder" ] || exit 0
  judge
  # If the first ssh fails, the keeper ends: the command that waits for it reports the reason.
  [ -z "$first" ] || [ -n "$up" ] || [ "$verdict" != retry ] || verdict=failed
  [ "$verdict" = retry ] || [ "$verdict" = again ] || { write_state "state $verdict"; finish "$status"; }
  first=''
  [ "$verdict" = retry ] || continue
  [ -z "$up" ] || lost=''
  [ "$try" = 0 ] || [ -z "$up" ] || [ $(($(now) - up)) -lt 60 ] || try=0
  try=$((try + 1))
  # The first try after a loss begins at once.
  if [ "$try" -gt 1 ]; then
    [ -n "$lost" ] || lost=$(now)
    plan_nap
    write_state "state reconnecting" "try $try" "next $(($(now) + seconds))"
    [ -n "$hurry" ] || pause "$nap"
  fi
  hurry=''
  [ -z "$ending" ] || finish
done
