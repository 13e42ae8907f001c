# shellcheck shell=sh
# Distinguishes a process from a later one with the same PID. Shared by the keeper and the scripts on the host.

# Prints the start time of process $1, or nothing if it has ended (as a zombie has).
start_time() {
  if [ -r /proc/self/stat ]; then
    # The name in field 2 may contain spaces and brackets: count the fields after it.
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    [ "$1" = Z ] || printf '%s\n' "${20}"
  else
    start_time_in_ps "$1"
  fi
}

# The same without /proc, in UTC: the start time of a process must not change with the time zone of its machine.
start_time_in_ps() {
  TZ=UTC0 LC_ALL=C ps -o stat=,lstart= -p "$1" 2>/dev/null | while read -r state start_time; do
    case $state in Z*) ;; *) printf '%s\n' "$start_time" ;; esac
  done
}

# Whether process $1 is running and started at $2. Only a number above 1 is a PID of ours: kill treats others as groups.
is_alive() {
  case $1 in '' | 0* | 1 | *[!0-9]*) return 1 ;; esac
  [ -n "$2" ] && [ "$(start_time "$1")" = "$2" ]
}
