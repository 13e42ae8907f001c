# shellcheck shell=sh
# shellcheck disable=SC2154 # its variables are assigned in front of it
# Ends one server, known by its PID and start time, and verifies that it is gone.
#
#   folder      the server's record
#   pid, began  the server; empty: that of the record
#   launch      not empty: only if the record is of this launch
#   grace       seconds to wait for a server that was asked through its API already, before TERM
#
# Answers `stopped shutdown|terminated|killed`, `gone` if it was, or `failed unkillable PID`.

main() {
  # An attempt that is still being undone holds the lock.
  if [ -n "$launch" ]; then
    take_lock "$folder"
    release_lock "$folder"
  fi
  read_record "$folder"
  if [ -n "$launch" ] && [ "$record_launch" != "$launch" ]; then
    tell gone
    return
  fi
  if [ -z "$pid" ]; then
    pid=$record_pid
    began=$record_began
  fi
  if ! is_alive "$pid" "$began"; then
    forget
    tell gone
    return
  fi
  if [ "$grace" -gt 0 ] && gone_within "$grace" "$pid" "$began"; then
    how=shutdown
  else
    how=$(end_process "$pid" "$began")
  fi
  [ "$how" != unkillable ] || fail unkillable "$pid"
  forget
  tell stopped "$how"
}

# A record that a later start wrote is not ours to remove.
forget() {
  is_ours || return 0
  take_lock "$folder"
  ! is_ours || remove_record "$folder"
  release_lock "$folder"
}

is_ours() { read_record "$folder" && [ "$record_pid $record_began" = "$pid $began" ]; }

main
exit 0
