# Waits for the lock on the record in folder $1, and takes it. It is a symbolic link, created in one step with the text that
# shows whether its holder is still alive: launch, node, PID, start time.
take_lock() {
  node=$(uname -n) waited=''
  me="${launch:-none} $node $$ $(start_time $$)"
  failures=0
  # A script that releases its lock removes the folder, perhaps between the two.
  until private_folder "$1" && is_ours_alone "$1"; do
    failures=$((failures + 1))
    [ "$failures" -gt 5 ] || continue
    [ -d "$1" ] || cannot_write "$1"
    rmdir "$1" 2>/dev/null
    fail open "$SERVERS"
  done
  failures=0
  until ln -s "$me" "$1/lock" 2>/dev/null; do
    if ! signature=$(readlink "$1/lock"); then
      # It has just been released, and its folder removed; or the folder cannot be written.
      failures=$((failures + 1))
      if [ "$failures" -gt 100 ] || ! private_folder "$1"; then cannot_write "$1"; fi
    elif holder_lives "$1"; then
      heartbeat
      nap
    elif mv "$1/lock" "$1/lock.$$" 2>/dev/null; then
      [ "$(readlink "$1/lock.$$")" = "$signature" ] || mv "$1/lock.$$" "$1/lock"
      rm -f "$1/lock.$$"
    fi
  done
}

# Whether no other user except root can change or replace folder $1 of a record: the scripts run files in it. The folder
# above ours may be writable for a group, which is often one of this user alone.
is_ours_alone() {
  # The folder above is the first line, since ls sorts.
  # shellcheck disable=SC2012
  ls -Lldn "${SERVERS%/*/*}" "${SERVERS%/*}" "$SERVERS" "$1" 2>/dev/null | awk -v me="$(id -u)" '
    NR == 1 ? $1 !~ /^d(.......-|........[tT])/ : $1 !~ /^d....-..-/ { bad = 1 }
    $3 != me && $3 != 0 { bad = 1 }
    END { exit bad || NR != 4 }'
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

# Removes the folder as well, unless it has a record or a log.
release_lock() {
  rm -f "$1/lock"
  rmdir "$1" 2>/dev/null
}
