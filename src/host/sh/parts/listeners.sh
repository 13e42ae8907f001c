# Shows what a process listens on.

# Prints whether process $1 listens on port $2: yes or no, or unknown if this host does not show it.
holds_port() {
  case " $(each_listener "$1" | tr '\n' ' ')" in
    *" $2 "*) echo yes ;;
    *' unknown '*) echo unknown ;;
    *) echo no ;;
  esac
}

# Prints the ports and sockets that process $1 listens on. Its PID may have been that of a server that is gone.
each_listener() {
  if [ -r /proc/net/tcp ]; then
    [ -r "/proc/$1/fd" ] || echo unknown
    # shellcheck disable=SC2012
    own=$(ls -l "/proc/$1/fd" 2>/dev/null | sed -n 's/.*socket:\[\([0-9]*\)\]$/\1/p' | tr '\n' ' ')
    for table in tcp tcp6 unix; do
      [ ! -r "/proc/net/$table" ] || listening_in "$table" "$own" <"/proc/net/$table"
    done
  elif command -v lsof >/dev/null 2>&1; then
    {
      lsof -nP -a -p "$1" -iTCP -sTCP:LISTEN -Fn
      lsof -nP -a -p "$1" -U -Fn
    } 2>/dev/null | sed -n -e 's/^n\(\/.*\)/\1/p' -e 's/^n.*:\([0-9]*\)$/\1/p'
  else
    echo unknown
  fi
}

# Prints the listening ports or paths with inodes $2 in table $1 of proc(5). The states 0A and 00010000 mean listening.
listening_in() {
  awk -v table="$1" -v own="$2" '
    function number(hex, n, i) {
      for (i = 1; i <= length(hex); i++) n = n * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
      return n
    }
    BEGIN { for (i = split(own, inodes, " "); i > 0; i--) is_own[inodes[i]] = 1 }
    table == "unix" && $4 == "00010000" && ($7 in is_own) && match($0, / \/.*/) { print substr($0, RSTART + 1) }
    table != "unix" && $4 == "0A" && ($10 in is_own) { sub(/.*:/, "", $2); print number($2) }'
}
