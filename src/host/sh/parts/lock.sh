# The lock on a server's record.

# Two starts at once: the second waits here, then finds the first one's server. The lock is a symbolic link
# whose text is its holder (launch, node, PID, start time), so that it is taken and signed in one step, and a dead
# holder's can be told.
take_lock() {
  node=$(uname -n) waited=''
  me="${launch:-none} $node $$ $(start_time $$)"
  private_folder "$1" || fail folder "$1"
  vain=0
  until ln -s "$me" "$1/lock" 2>/dev/null; do
    if ! signature=$(readlink "$1/lock"); then
      # Its holder has released it just now, and the folder with it; or nothing can be written here.
      vain=$((vain + 1))
      if [ "$vain" -gt 100 ] || ! private_folder "$1"; then fail folder "$1"; fi
    elif holder_lives "$1"; then
      heartbeat
      nap
    elif mv "$1/lock" "$1/lock.$$" 2>/dev/null; then
      [ "$(readlink "$1/lock.$$")" = "$signature" ] || mv "$1/lock.$$" "$1/lock"
      rm -f "$1/lock.$$"
    fi
  done
}

# Whether the holder that $signature tells has the lock in folder $1 still. On another node of those that share this
# home folder its PID means nothing: it counts for as long as a launch may take, and ten minutes more for its environment.
holder_lives() {
  holder=${signature#* }
  its_node=${holder%% *} holder=${holder#* }
  if [ "$its_node" = "$node" ]; then
    is_alive "${holder%% *}" "${holder#* }"
    return
  fi
  [ -z "$(find "$1/lock" -prune -mmin "+$((10 + ${timeout:-0} / 60))" 2>/dev/null)" ] || return 1
  [ -n "$waited" ] || report note "another start is under way on $its_node, and is waited for"
  waited=1
}

# The folder goes as well when it is empty: one with a record is a server's.
release_lock() {
  rm -f "$1/lock"
  rmdir "$1" 2>/dev/null
}
