# Ends process $1 that started at $2, with TERM, and after five seconds with KILL, then also all that it started.
# Prints how it ended, or `unkillable`; `gone` if there is no such process, though another may have its PID.
end_process() {
  is_alive "$1" "$2" || { echo gone; return; }
  kill -TERM "$1" 2>/dev/null
  # A suspended process receives it only then.
  kill -CONT "$1" 2>/dev/null
  if gone_within 5 "$1" "$2"; then echo terminated; return; fi
  kill_tree "$1" "$2"
  if gone_within 5 "$1" "$2"; then echo killed; else echo unkillable; fi
}

# Sends KILL to process $1 that started at $2, and to all that it started.
kill_tree() {
  is_alive "$1" "$2" || return 0
  tree=$1 stopped=''
  # What is suspended starts nothing that a list of processes would not have. If something else kills the first process
  # meanwhile, the others are not listed any more.
  until [ "$tree" = "$stopped" ]; do
    # shellcheck disable=SC2086
    kill -STOP $tree 2>/dev/null
    stopped=$tree
    # shellcheck disable=SC2086,SC2046
    tree=$(printf '%s\n' $tree $(descendants "$1") | sort -nu)
  done
  # shellcheck disable=SC2086
  kill -KILL $tree 2>/dev/null
}

# The same with all that it started. For a server that did not come up: later, users may start processes to outlive it.
end_tree() {
  started=$(for each in $(descendants "$1"); do printf '%s %s\n' "$each" "$(start_time "$each")"; done)
  # The signal to its group, if it leads one, also reaches processes that are being started.
  ! is_alive "$1" "$2" || kill -TERM "-$1" 2>/dev/null
  end_process "$1" "$2"
  while read -r each each_start_time; do
    end_process "$each" "$each_start_time" >/dev/null
  done <<END
$started
END
}

# Prints the command line of process $1. busybox's ps knows no -p, and a container may have no ps.
command_line() {
  if [ -r "/proc/$1/cmdline" ]; then tr '\0' ' ' <"/proc/$1/cmdline"; else ps -ww -o args= -p "$1"; fi 2>/dev/null
}

# Whether process $2 that started at $3 ends within $1 seconds.
gone_within() {
  until=$(($(date +%s) + $1)) looks=0
  while is_alive "$2" "$3"; do
    looks=$((looks + 1))
    # Each reading of the clock is a process, which slows down what we wait for.
    [ $((looks % 5)) != 0 ] || [ "$(date +%s)" -le "$until" ] || return 1
    nap
  done
}

# Prints how long process $1 has been running, which started at $2 in hundredths of a second. busybox's ps cannot do it.
elapsed() {
  if { read -r uptime _ </proc/uptime; } 2>/dev/null; then
    echo "$((${uptime%.*} - $2 / 100))"
  else
    ps -o etime= -p "$1"
  fi
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
