# shellcheck shell=sh
# shellcheck disable=SC2154 # its variables are assigned in front of it
# Puts a server that runs, and that something else has started, on record, so that any machine finds it.
#
#   launch           a name for this attempt, by which its caller can undo it: see stop.sh
#   name, directory  the server
#   pid, start_time       the server
#   file             its runtime file
#   command          what it is: jupyter lab, …
#   up               for how many seconds it runs
#
# Answers `folder` (of the record), and its record, `server` and `joined yes` as launch.sh does, or `failed gone`,
# `failed taken PID` (the record is another server's, which lives), and what else common.sh tells.

main() {
  go_to_directory || fail unserved "$pid $path"
  find_record
  trap 'leave' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  tell folder "$record"
  take_lock "$record"
  locked=1
  must_be_here "$record"
  if record_lives "$record"; then
    [ "$record_pid $record_start_time" = "$pid $start_time" ] || fail taken "$record_pid"
  else
    is_alive "$pid" "$start_time" || fail gone "$pid"
    [ ! -f "$record/record" ] || remove_record "$record"
    unsaid=1
    write_adopted_record || fail folder "$record"
  fi
  tell_server "$record"
  tell joined yes
  unsaid=''
}

# shellcheck disable=SC2317 # a trap calls it
leave() {
  [ -z "$unsaid" ] || forget_record "$record"
  [ -z "$locked" ] || release_lock "$record"
}

# The record comes last: with it the server is known. Its socket and its log are its owner's, and not named.
write_adopted_record() {
  umask 077
  tr -d '\n' <"$file" >"$record/server.json" && {
    keep launch "$launch"
    keep adopted yes
    keep pid "$pid"
    keep start_time "$start_time"
    keep node "$(uname -n)"
    keep name "$name"
    keep asked "$directory"
    keep directory "$here"
    keep command "$command"
    keep runtime "$file"
    keep started "$(($(date +%s) - up))"
  } >"$record/record"
}

locked='' unsaid=''
main
exit 0
