# shellcheck shell=sh
# What tells a process from a later one with the same PID. Shared by the keeper and the scripts on the host.

# Prints when process $1 started, nothing if it is gone (a zombie is gone).
start_time() {
  if [ -r /proc/self/stat ]; then
    # The name in field 2 may hold blanks and brackets: count from behind its end.
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    [ "$1" = Z ] || printf '%s\n' "${20}"
  else
    start_time_in_ps "$1"
  fi
}

# The same where there is no /proc. One process must not seem another when its machine has come to another time zone.
start_time_in_ps() {
  TZ=UTC0 LC_ALL=C ps -o stat=,lstart= -p "$1" 2>/dev/null | while read -r state start_time; do
    case $state in Z*) ;; *) printf '%s\n' "$start_time" ;; esac
  done
}

# Whether process $1 is there and started at $2.
is_alive() {
  [ -n "$1" ] && [ -n "$2" ] && [ "$(start_time "$1")" = "$2" ]
}
