# A process that outlives the script which starts it. A launcher runs it. It has a record, so that any machine finds it.
#
#   launch     an ID of this attempt, by which its caller can undo it
#   from       the machine that starts it; empty: something else started it
#   name, directory    of the server

# Sets $folder to that of the record of $name, and locks it until the script ends.
hold_record() {
  find_record "$name"
  folder=$record
  trap 'leave' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  report folder "$folder"
  take_lock "$folder"
  locked=1
  remove_passing "$folder"
  must_be_here "$folder"
}

# Reports the server, and as $1 whether it was already running. Afterwards nothing is undone.
finish() {
  report_server "$folder" "$1"
  answered=1
}

# Undoes what this script did, unless it has finished.
leave() {
  trap '' HUP INT TERM PIPE
  [ -n "$answered" ] || undo
  remove_passing "$folder"
  # After the end of this script, another one may have taken the lock.
  [ -z "$locked" ] || release_lock "$folder"
}

# Runs code $1 in the environment, with the arguments after it, and writes its output to the log.
begin() {
  begun=1
  (umask 077 && : >"$folder/log") 2>/dev/null || fail folder "$folder"
  launch_process "$@"
}

# Writes the record, with the lines that function $1 adds.
put_on_record() {
  begun=1
  umask 077
  {
    keep launch "$launch"
    keep_identity
    keep name "$name"
    keep asked "$directory"
    [ -z "$from" ] || keep from "$from"
    keep directory "$here"
    keep started "$(date +%s)"
    "$1"
  } >"$folder/record" || fail folder "$folder"
}

undo_begun() {
  [ -n "$begun" ] || return 0
  end_launched
  remove_record "$folder"
}

locked='' begun='' answered=''
