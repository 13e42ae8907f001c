# Ends one server, known by its PID and start time, and verifies that it is gone.
#
#   folder      the server's record; empty: that of the launch
#   pid, start_time  the server; empty: that of the record
#   token       its secret: one that was restarted has kept it, and is meant as well
#   launch      not empty: only if the record is of this launch
#   grace       seconds to wait for a server that was asked through its API already, before TERM

main() {
  if [ -n "$launch" ]; then undo_launch; else must_be_here "$folder"; fi
  if [ -z "$pid" ] || is_restarted; then pid=$record_pid start_time=$record_start_time; fi
  if is_alive "$pid" "$start_time"; then
    end_server
    [ "$how" != unkillable ] || fail unkillable "$pid"
    forget
    report stopped "$how"
  else
    forget
    report gone
  fi
}

# Whether another process than the one that is meant runs there now by the same secret.
is_restarted() { ! is_alive "$pid" "$start_time" && record_lives "$folder" && has_token; }

# Ends the server, and sets $how to the way it went.
end_server() {
  if [ "$grace" -gt 0 ] && gone_within "$grace" "$pid" "$start_time"; then
    how=shutdown
  elif [ -n "$launch" ]; then
    how=$(end_tree "$pid" "$start_time")
  else
    how=$(end_process "$pid" "$start_time")
  fi
}

# Ends the attempt itself. Comes back only where it has left a server on record.
undo_launch() {
  [ -n "$folder" ] || find_launch || end_gone
  end_launch
  take_lock "$folder"
  release_lock "$folder"
  must_be_here "$folder"
  [ "$record_launch" = "$launch" ] || end_gone
  [ -n "$record_adopted" ] || return 0
  # A launch that put a server of somebody else's on record did no more.
  take_lock "$folder"
  forget_record "$folder"
  release_lock "$folder"
  end_gone
}

end_gone() {
  report gone
  exit 0
}

# Its caller may have gone before it was told the folder.
find_launch() {
  for folder in "$SERVERS"/*/; do
    folder=${folder%/}
    if holds_lock; then return 0; fi
    read_record "$folder" && [ "$record_launch" = "$launch" ] && return 0
  done
  return 1
}

# Whether the launch holds the lock of $folder. Sets $signature to what stands in it.
holds_lock() {
  signature=$(readlink "$folder/lock") || return 1
  case $signature in "$launch "*) return 0 ;; esac
  return 1
}

# The attempt undoes itself as soon as it notices that its caller is gone, and holds the lock until then. It may
# notice late: in an activate script, or one of its commands, that takes its time.
end_launch() {
  holds_lock || return 0
  holder=${signature#* }
  # On another node it ends by itself, and its lock with it.
  [ "${holder%% *}" = "$(uname -n)" ] || return 0
  holder=${holder#* }
  script=${holder%% *} script_start_time=${holder#* }
  for signal in TERM KILL; do
    is_alive "$script" "$script_start_time" || return 0
    # By its group it misses none that begins just now.
    # shellcheck disable=SC2046
    kill "-$signal" "-$script" "$script" $(descendants "$script") 2>/dev/null
    gone_within 12 "$script" "$script_start_time" && return 0
  done
}

# A record that a later start wrote is not ours to remove.
forget() {
  is_ours || return 0
  take_lock "$folder"
  ! is_ours || remove_record "$folder"
  release_lock "$folder"
}

has_token() {
  IFS= read -r info <"$folder/server.json" || [ -n "$info" ] || return 1
  case $info in *"\"token\": \"$token\""*) [ -n "$token" ] ;; *) return 1 ;; esac
}

is_ours() { read_record "$folder" && [ "$record_pid $record_start_time" = "$pid $start_time" ]; }

main
exit 0
