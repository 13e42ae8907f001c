# Stops a server and verifies that it is gone.
#
#   folder    the folder of its record; empty: that of the launch
#   pid, start_time    its process; empty: that of the record
#   token     its secret, by which it is recognized after a restart
#   launch    not empty: stop it only if this launch wrote the record
#   grace     seconds to wait before signals, if its API has been asked to shut it down

main() {
  if [ -n "$launch" ]; then undo_launch; else must_be_here "$folder"; fi
  if [ -z "$pid" ] || is_restarted; then pid=$record_pid start_time=$record_start_time; fi
  is_alive "$pid" "$start_time" || { forget; end_gone; }
  if [ "$grace" -gt 0 ] && gone_within "$grace" "$pid" "$start_time"; then
    how=shutdown
  elif [ -n "$launch" ]; then
    how=$(end_tree "$pid" "$start_time")
  else
    how=$(end_process "$pid" "$start_time")
  fi
  [ "$how" != unkillable ] || fail unkillable "$pid"
  forget
  report stopped "$how"
}

# Whether another process with the same token runs in its place.
is_restarted() {
  [ -n "$token" ] && ! is_alive "$pid" "$start_time" && record_lives "$folder" &&
    grep -qF "\"token\": \"$token\"" "$folder/server.json"
}

# Ends the script of the launch. Returns only if the launch has started a server, which is to be stopped.
undo_launch() {
  [ -n "$folder" ] || find_launch || end_gone
  end_launch
  take_lock "$folder"
  release_lock "$folder"
  must_be_here "$folder"
  [ "$record_launch" = "$launch" ] || end_gone
  [ -n "$record_adopted" ] || return 0
  take_lock "$folder"
  forget_record "$folder"
  release_lock "$folder"
  end_gone
}

end_gone() {
  report gone
  exit 0
}

# Sets $folder: the connection may have been lost before the launch reported it.
find_launch() {
  for folder in "$SERVERS"/*/; do
    folder=${folder%/}
    if holds_lock || { read_record "$folder" && [ "$record_launch" = "$launch" ]; }; then return 0; fi
  done
  return 1
}

# Whether the launch holds the lock of $folder. Sets $signature to the text of the lock.
holds_lock() { signature=$(readlink "$folder/lock") && [ "${signature%% *}" = "$launch" ]; }

# A launch undoes itself when it notices that its caller is gone, but commands that it runs may delay that.
end_launch() {
  holds_lock || return 0
  holder=${signature#* }
  [ "${holder%% *}" = "$(uname -n)" ] || return 0
  holder=${holder#* }
  script=${holder%% *} script_start_time=${holder#* }
  for signal in TERM KILL; do
    is_alive "$script" "$script_start_time" || return 0
    # The signal to the group also reaches processes that are being started.
    # shellcheck disable=SC2046
    kill "-$signal" "-$script" "$script" $(descendants "$script") 2>/dev/null
    gone_within 12 "$script" "$script_start_time" && return 0
  done
}

# Removes the record, unless a later start wrote it.
forget() {
  is_ours || return 0
  take_lock "$folder"
  ! is_ours || remove_record "$folder"
  release_lock "$folder"
}

is_ours() { read_record "$folder" && [ "$record_pid $record_start_time" = "$pid $start_time" ]; }

main
