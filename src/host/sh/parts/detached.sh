# A process of this user's that outlives the script which begins it. It is on record under a lock, so that any machine
# finds it, and undone if it comes to nothing. What runs it, and where, is the matter of a launcher: see launchers/.
#
#   launch           a name for this attempt, by which its caller can undo just what it began
#   from             the machine that has it started; empty: this program does not start it
#   name, directory  what it is called

# Sets $folder to that of the record of $name, which is this script's alone from here to its end.
hold_record() {
  find_record
  folder=$record
  trap 'leave' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  report folder "$folder"
  take_lock "$folder"
  locked=1
  remove_passing "$folder"
  must_be_here "$folder"
}

# Whatever ends this script before it has answered undoes what it did.
leave() {
  trap '' HUP INT TERM PIPE
  [ -n "$answered" ] || undo
  remove_passing "$folder"
  # Not later: a lock whose holder is gone counts as none, and the next one's would be removed.
  [ -z "$locked" ] || release_lock "$folder"
}

# Runs code $1 in the environment with the words behind it, its output in the log of $folder.
begin() {
  begun=1
  (umask 077 && : >"$folder/log") 2>/dev/null || fail folder "$folder"
  launch_process "$@"
}

# Puts it on record, with what function $1 keeps of it besides.
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

# Ends what was begun, and removes what there is of it.
undo_begun() {
  [ -n "$begun" ] || return 0
  end_launched
  remove_record "$folder"
}

locked='' begun='' answered=''
