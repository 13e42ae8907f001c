# Reads Jupyter's runtime files, whoever's servers they are of, and changes nothing. `jupyter server list` would delete
# those whose process is not on this node, and each finds its own kind alone. A part of servers.sh.
#
# Answers of each file `file PATH`, and last one of
#   `unreadable`    it is none, or not this user's
#   `absent`        its process is not here: a crash has left it, or another node with this home folder has it
#   `content TEXT`  the file in one line; before it `node`, `pid`, `start_time`, `elapsed` (seconds, or in the words of ps), `program`
#                   where it is known (jupyter lab, …), and `listens PORT|PATH` for each that its process has, or
#                   `listens unknown`
# and of each record of a server on another node `elsewhere NODE FOLDER`.

report_runtime_files() {
  processes=$(ps -A -o pid= -o args= 2>/dev/null)
  each_place | awk '!seen[$0]++' | while IFS= read -r place; do
    for each in "$place"/nbserver-*.json "$place"/jpserver-*.json; do
      [ ! -e "$each" ] || report_runtime_file "$each"
    done
  done
  for each in "$SERVERS"/*/; do
    if ! read_record "${each%/}" || ! is_elsewhere; then continue; fi
    report elsewhere "$record_node ${each%/}"
  done
}

# Jupyter's own rules, with the variables of this session, of each Jupyter that runs (an environment may have set them
# for it), and without any; and where servers on record have theirs. As true paths: two of them may be one.
each_place() {
  {
    jupyter_places "$JUPYTER_RUNTIME_DIR" "$JUPYTER_DATA_DIR" "$XDG_DATA_HOME"
    printf '%s\n' "$HOME/.local/share/jupyter/runtime" "$HOME/Library/Jupyter/runtime"
    # Until jupyter_core 4.5.
    printf '%s\n' "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/jupyter"
    for each in "$SERVERS"/*/; do
      ! read_record "${each%/}" || printf '%s\n' "${record_runtime%/*}"
    done
    # Kernels have the variables of their server.
    printf '%s\n' "$processes" | awk '/jupyter|notebook/ && !/kernel/ { print $1 }' | while read -r each; do
      # Only this user's own, also where this is root.
      [ ! -O "/proc/$each/environ" ] || places_of_process "$each"
    done
  } | while IFS= read -r place; do
    case $place in /*) (cd "$place" 2>/dev/null && pwd -P) ;; esac
  done
}

jupyter_places() {
  [ -z "$1" ] || printf '%s\n' "$1"
  [ -z "$2" ] || printf '%s\n' "$2/runtime"
  [ -z "$3" ] || printf '%s\n' "$3/jupyter/runtime"
}

places_of_process() {
  tr '\0' '\n' 2>/dev/null <"/proc/$1/environ" | sed -n \
    -e 's/^JUPYTER_RUNTIME_DIR=//p' \
    -e 's/^JUPYTER_DATA_DIR=\(.*\)/\1\/runtime/p' \
    -e 's/^XDG_DATA_HOME=\(.*\)/\1\/jupyter\/runtime/p'
}

# $1 may be anything: what is no file of this user's is not opened, and no more is read than a server writes.
report_runtime_file() {
  id=${1##*server-} id=${id%.json}
  case $id in '' | 0* | *[!0-9]*) return ;; esac
  report file "$1"
  if ! { [ -f "$1" ] && [ -O "$1" ] && [ -r "$1" ]; }; then report unreadable; return; fi
  start_time=$(start_time "$id")
  if [ -z "$start_time" ] || ! kill -0 "$id" 2>/dev/null; then report absent; return; fi
  report node "$node"
  report pid "$id"
  report start_time "$start_time"
  report elapsed "$(elapsed "$id" "$start_time")"
  report_program "$(printf '%s\n' "$processes" | awk -v id="$id" '$1 == id { print; exit }')"
  each_listener "$id" | while IFS= read -r where; do report listens "$where"; done
  report content "$(dd bs=16384 count=1 2>/dev/null <"$1" | tr -d '\000-\037')"
}

# How long process $1 runs, which started at $2. busybox's ps does not tell; the ticks of proc(5) are hundredths.
elapsed() {
  if { read -r uptime _ </proc/uptime; } 2>/dev/null; then
    echo "$((${uptime%.*} - $2 / 100))"
  else
    ps -o etime= -p "$1"
  fi
}

# A command line may hold a token, and stays here: only what kind of server it is goes on, where it tells.
report_program() {
  case $1 in
    *jupyterhub-singleuser*) report program jupyterhub-singleuser ;;
    *jupyter-lab* | *jupyterlab*) report program 'jupyter lab' ;;
    *jupyter-notebook* | *'-m notebook'*) report program 'jupyter notebook' ;;
    *jupyter-server* | *'-m jupyter_server'*) report program 'jupyter server' ;;
  esac
}

# Where process $1 listens, on this node's own network. Its PID may be that of a server which is gone, or elsewhere.
each_listener() {
  if [ -r /proc/net/tcp ]; then
    # shellcheck disable=SC2012 # it shows where links lead
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

# Ports and paths that are listened on, of those whose inodes are $2, in a table of proc(5): states 0A and 00010000.
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
