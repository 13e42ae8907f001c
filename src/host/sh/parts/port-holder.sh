# Reports which process listens on port $1 of the host, if that is visible.
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
  fi
  [ -z "$who" ] || report holder "$who"
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
