# Reads the runtime files of all Jupyter servers, and changes nothing. `jupyter server list` would delete those whose
# process is not on this node, and lists only servers of its own kind.

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

# Prints the real paths of folders with runtime files: by Jupyter's rules, with the variables of this session, of each
# running Jupyter (its environment may have set them) and without any; and those of servers with a record.
each_place() {
  {
    printf '%s\n' "$JUPYTER_RUNTIME_DIR" "${JUPYTER_DATA_DIR:+$JUPYTER_DATA_DIR/runtime}" "${XDG_DATA_HOME:+$XDG_DATA_HOME/jupyter/runtime}"
    printf '%s\n' "$HOME/.local/share/jupyter/runtime" "$HOME/Library/Jupyter/runtime"
    # The folder of jupyter_core before 4.5.
    printf '%s\n' "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/jupyter"
    for each in "$SERVERS"/*/; do
      ! read_record "${each%/}" || printf '%s\n' "${record_runtime%/*}"
    done
    printf '%s\n' "$processes" | awk '/jupyter|notebook/ && !/kernel/ { print $1 }' | while read -r each; do
      # Only the processes of this user, even for root.
      [ ! -O "/proc/$each/environ" ] || places_of_process "$each"
    done
  } | while IFS= read -r place; do
    case $place in /*) (cd "$place" 2>/dev/null && pwd -P) ;; esac
  done
}

places_of_process() {
  tr '\0' '\n' 2>/dev/null <"/proc/$1/environ" | sed -n \
    -e 's/^JUPYTER_RUNTIME_DIR=//p' \
    -e 's/^JUPYTER_DATA_DIR=\(.*\)/\1\/runtime/p' \
    -e 's/^XDG_DATA_HOME=\(.*\)/\1\/jupyter\/runtime/p'
}

# File $1 may be anything: it is opened only if it is a regular file of this user's, and read only up to a limit.
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

# Reports the kind of server that command line $1 shows. The command line itself may contain a token.
report_program() {
  case $1 in
    *jupyterhub-singleuser*) report program jupyterhub-singleuser ;;
    *jupyter-lab* | *jupyterlab*) report program 'jupyter lab' ;;
    *jupyter-notebook* | *'-m notebook'*) report program 'jupyter notebook' ;;
    *jupyter-server* | *'-m jupyter_server'*) report program 'jupyter server' ;;
  esac
}
