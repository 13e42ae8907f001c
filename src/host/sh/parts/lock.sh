# Waits for the lock on the record in folder $1, and takes it. It is a symbolic link, created in one step with the text that
# shows whether its holder is still alive: launch, node, PID, start time.
take_lock() {
  node=$(uname -n) waited=''
  me="${launch:-none} $node $$ $(start_time $$)"
  private_folder "$1" || fail folder "$1"
  failures=0
  until ln -s "$me" "$1/lock" 2>/dev/null; do
    if ! signature=$(readlink "$1/lock"); then
      # It has just been released, and its folder removed; or the folder cannot be written.
      failures=$((failures + 1))
      if [ "$failures" -gt 100 ] || ! private_folder "$1"; then fail folder "$1"; fi
    elif holder_lives "$1"; then
      heartbeat
      nap
    elif mv "$1/lock" "$1/lock.$$" 2>/dev/null; then
      [ "$(readlink "$1/lock.$$")" = "$signature" ] || mv "$1/lock.$$" "$1/lock"
      rm -f "$1/lock.$$"
    fi
  done
}

# Whether the holder in $signature still has the lock in folder $1. A PID on another node with this home folder cannot be
# checked: its lock is valid for the timeout of a launch, and ten minutes more for its environment.
holder_lives() {
  holder=${signature#* }
  its_node=${holder%% *} holder=${holder#* }
  if [ "$its_node" = "$node" ]; then
    is_alive "${holder%% *}" "${holder#* }"
    return
  fi
  [ -z "$(find "$1/lock" -prune -mmin "+$((10 + ${timeout:-0} / 60))" 2>/dev/null)" ] || return 1
  [ -n "$waited" ] || report note "waiting for another start on $its_node to finish"
  waited=1
}

# Removes the folder as well, unless it has a record.
release_lock() {
  rm -f "$1/lock"
  rmdir "$1" 2>/dev/null
}
