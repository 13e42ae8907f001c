# The relay of a server, through which its connections survive a lost link: see relay.py.
#
#   relay_program    its text
#   expose           not empty: the server is reached without one

# Starts the relay for the record in folder $1, unless it is running, and adds it to the record. Without a Python that can
# run it, also in the container of the server, or a folder for its socket, there is none.
start_relay() {
  [ -z "$expose" ] || return 0
  read_record "$1"
  ! relay_lives "$record_relay" || return 0
  for each in "$record_python" python3 /usr/bin/python3 "$1/python"; do
    relay_python=$(command -v "$each" 2>/dev/null) || continue
    case $relay_python in /*) ;; *) continue ;; esac
    [ -n "$record_relay" ] && [ -d "${record_relay%/*}" ] || make_relay_folder || return 0
    printf '%s\n' "$relay_program" >"${record_relay%.sock}.py" || return 0
    "$relay_python" -I "${record_relay%.sock}.py" start "$1" "$record_relay" >/dev/null 2>&1 || continue
    {
      keep relay "$record_relay"
      keep relay_python "$relay_python"
    } 3>>"$1/record"
    report relay "$record_relay"
    report relay_python "$relay_python"
    return 0
  done
}

# Sets $record_relay to the path of a socket in a new private folder, which no other user can replace by one of theirs.
make_relay_folder() {
  relay_place=$(CDPATH='' cd -P "${TMPDIR:-/tmp}" 2>/dev/null && pwd) && only_owner_renames "$relay_place" || return 1
  # unix(7): 108 bytes with the final null; macOS has 104.
  [ "$(printf %s "$relay_place" | wc -c)" -le 60 ] || return 1
  record_relay=$(umask 077 && mktemp -d "$relay_place/remote-notebook-XXXXXX" 2>/dev/null)/relay.sock
  case $record_relay in
    *[!A-Za-z0-9/._+@,=-]*) return 1 ;;
    /*/remote-notebook-??????/relay.sock) ;;
    *) return 1 ;;
  esac
}
