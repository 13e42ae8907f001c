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
  # The files of a job are its own: it may be starting.
  read_record "$folder"
  [ -n "$record_job" ] || remove_passing "$folder"
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
  [ -n "$job" ] || remove_passing "$folder"
  # After the end of this script, another one may have taken the lock.
  [ -z "$locked" ] || release_lock "$folder"
}

# Runs code $1 in the environment, with the arguments after it, and writes its output to the log.
begin() {
  begun=1
  (umask 077 && : >"$folder/log") 2>/dev/null || cannot_write "$folder"
  launch_process "$@"
}

# Writes the record, with the lines that function $1 adds. In one step, because others may read it at any time.
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
    "$1"
  } 3>"$folder/record-part" || cannot_write "$folder"
  mv "$folder/record-part" "$folder/record" || cannot_write "$folder"
}

undo_begun() {
  [ -n "$begun" ] || return 0
  end_launched
  remove_record "$folder"
  rm -f "$folder/log"
}

locked='' begun='' answered=''
