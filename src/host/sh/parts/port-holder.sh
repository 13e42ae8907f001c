# Reports which process or user listens on port $1 of the host, or `unseen` if the host cannot list them.
port_holder() {
  who=''
  if command -v ss >/dev/null 2>&1; then
    line=$(ss -Hltnpe "sport = :$1" 2>/dev/null | head -n 1)
    who=$(printf '%s\n' "$line" | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\2 \1/p')
    [ -z "$who" ] || who="$(process_name "${who%% *}" "${who#* }") (PID ${who%% *})"
    uid=$(printf '%s\n' "$line" | sed -n 's/.*uid:\([0-9]*\).*/\1/p')
    # ss prints no uid for root.
    [ -n "$who" ] || [ -z "$line" ] || who="user $(id -un "${uid:-0}" 2>/dev/null || printf '%s' "$uid")"
  elif command -v lsof >/dev/null 2>&1; then
    # shellcheck disable=SC2046
    set -- $(lsof -nP +c0 "-iTCP:$1" -sTCP:LISTEN 2>/dev/null | awk 'NR == 2 { print $2, $1, $3 }')
    [ $# = 0 ] || who="$(process_name "$1" "$2") (PID $1) of $3"
  elif [ -r /proc/net/tcp ]; then
    look_in_proc "$1"
  else
    report unseen
  fi
  [ -z "$who" ] || report holder "$who"
}

# Sets $who to the process or the user that listens on port $1. See proc(5): the state 0A means listening.
look_in_proc() {
  # shellcheck disable=SC2046
  set -- $(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { print $8, $10; exit }')
  [ $# = 2 ] || return 0
  # shellcheck disable=SC2012
  pid=$(ls -l /proc/[0-9]*/fd 2>/dev/null |
    awk -v own="socket:[$2]" '/^\/proc\// { split($0, parts, "/") } $NF == own { print parts[3]; exit }')
  who="user $(id -un "$1" 2>/dev/null || printf '%s' "$1")"
  [ -z "$pid" ] || who="$(process_name "$pid" "$(cat "/proc/$pid/comm")") (PID $pid)"
}

# Prints a name for process $1, whose name in the process table is $2, by the rules of `wholeName` in system/port.ts.
process_name() {
  name=$2
  # An argument `*` must not become a list of files. This runs in a subshell.
  set -f
  # shellcheck disable=SC2046
  set -- $(ps -ww -o args= -p "$1" 2>/dev/null)
  case ${1##*/} in
    [Pp]ython | [Pp]ython[0-9]*)
      [ "${2:-}" != -m ] || shift
      case ${2:--} in -*) ;; *) name=${2##*/} ;; esac
      ;;
    *)
      [ ${#name} -ge 15 ] || set --
      for word; do
        case ${word##*/} in "$name"*) name=${word##*/} && break ;; esac
      done
      ;;
  esac
  printf '%s' "$name"
}
