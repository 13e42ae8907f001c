# Ends process $1 that started at $2, with TERM, and after five seconds with KILL, then also all that it started.
# Prints how it ended, or `unkillable`.
end_process() {
  kill -TERM "$1" 2>/dev/null
  # A suspended process receives it only then.
  kill -CONT "$1" 2>/dev/null
  if gone_within 5 "$1" "$2"; then echo terminated; return; fi
  # shellcheck disable=SC2046
  kill -KILL "$1" $(descendants "$1") 2>/dev/null
  if gone_within 5 "$1" "$2"; then echo killed; else echo unkillable; fi
}

# The same with all that it started. For a server that did not come up: later, users may start processes to outlive it.
end_tree() {
  started=$(for each in $(descendants "$1"); do printf '%s %s\n' "$each" "$(start_time "$each")"; done)
  # The signal to its group, if it leads one, also reaches processes that are being started.
  kill -TERM "-$1" 2>/dev/null
  end_process "$1" "$2"
  while read -r each each_start_time; do
    if is_alive "$each" "$each_start_time"; then end_process "$each" "$each_start_time" >/dev/null; fi
  done <<END
$started
END
}

# Whether process $2 that started at $3 ends within $1 seconds.
gone_within() {
  until=$(($(date +%s) + $1)) looks=0
  while is_alive "$2" "$3"; do
    looks=$((looks + 1))
    # Each look at the clock is a process, which slows down what we wait for.
    [ $((looks % 5)) != 0 ] || [ "$(date +%s)" -le "$until" ] || return 1
    nap
  done
}

# Prints the PIDs of all processes that process $1 started, directly or not.
descendants() {
  ps -A -o pid= -o ppid= 2>/dev/null | awk -v root="$1" '
    { parent[$1] = $2 }
    END {
      for (pid in parent) {
        for (p = parent[pid]; p in parent && p != root && p > 1; p = parent[p]);
        if (p == root) print pid
      }
    }'
}
