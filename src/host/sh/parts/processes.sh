# The end of processes, and of what they have started.

# Ends process $1 that started at $2: TERM, and KILL after five seconds; with what it had started, if it had
# to be killed. Verified: answers how it ended, or `unkillable`.
end_process() {
  kill -TERM "$1" 2>/dev/null
  # A process that was stopped hears it only then.
  kill -CONT "$1" 2>/dev/null
  if gone_within 5 "$1" "$2"; then echo terminated; return; fi
  below=$(descendants "$1")
  kill -KILL "$1" 2>/dev/null
  # shellcheck disable=SC2086
  [ -z "$below" ] || kill -KILL $below 2>/dev/null
  if gone_within 5 "$1" "$2"; then echo killed; else echo unkillable; fi
}

# The same, with all that it started: for a server that did not come up. One that did may have processes of the
# user's, meant to outlive it.
end_tree() {
  started=$(for each in $(descendants "$1"); do printf '%s %s\n' "$each" "$(start_time "$each")"; done)
  # Where it leads a group, none of that is missed which begins just now.
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
    # What it waits for wants the processor, and each look at the clock is a process.
    [ $((looks % 5)) != 0 ] || [ "$(date +%s)" -le "$until" ] || return 1
    nap
  done
}

# The PIDs of all that process $1 started, and what these started.
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
