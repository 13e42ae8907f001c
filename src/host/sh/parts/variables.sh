# A separate process enters an environment and writes its variables to a file in $folder, which only code that runs in the
# environment reads. So no start-up file, activation script or setup command can break this script.

# Runs code $1 in the environment and in $here, with the arguments after it. The code must not use other variables of this
# script, since the user's may have the same names. For subshells only.
in_environment() {
  set -- "$entered" "$here" "$@"
  if [ -n "$1" ]; then
    # shellcheck disable=SC1090
    . "$1"
    cd "$2" || exit
  fi
  eval "shift 3; $3 \"\$@\""
}

# Code of that kind: prints variable $1; prints the path of program $2, searched also in places $1.
value_of() { eval "printf '%s' \"\$$1\""; }
program_in() { PATH=$PATH:$1 && command -v "$2"; }

# Adds line $1 of shell code to the environment.
adjust_environment() {
  entered=${entered:-$folder/entered-0}
  (umask 077 && printf '%s\n' "$1" >>"$entered") 2>/dev/null || cannot_write "$folder"
}

# Sets $quoted to $1, quoted for a shell.
quote() {
  quoted=$1
  case $1 in *"'"*) quoted=$(printf '%s\n' "$1" | sed "s/'/'\\\\''/g") ;; esac
  quoted="'$quoted'"
}

# Writes the variables of a shell to the file. Without single quotes, so that other programs can pass it on.
LEAVE_CODE='umask 077; set -- "$REMOTE_NOTEBOOK_ENTERING"; unset REMOTE_NOTEBOOK_ENTERING; export -p >"$1-part" && PATH=$PATH:/usr/bin:/bin mv "$1-part" "$1"'

# Runs code $1 with the arguments after it, and takes over its variables. In bash, for which most activation scripts are.
enter_by() {
  enter_within 0 "$(command -v bash || echo /bin/sh)" -c 'code=$1; shift; eval "$code" || exit; exec /bin/sh -c '"'$LEAVE_CODE'" sh "$@"
}

# Runs a command that ends with LEAVE_CODE, for at most $1 seconds (0: no limit). Its variables become the environment;
# fails if it leaves none.
enter_within() {
  limit=$1 entries=$((entries + 1))
  entering=$folder/entered-$entries
  shift
  (in_environment 'export REMOTE_NOTEBOOK_ENTERING="$1"; shift; exec' "$entering" "$@") >>"$folder/output" 2>&1 &
  helper=$! helper_start_time=$(start_time $!)
  [ "$limit" = 0 ] || until=$(($(date +%s) + limit))
  until [ -f "$entering" ]; do
    is_alive "$helper" "$helper_start_time" || break
    if [ "$limit" != 0 ] && [ "$(date +%s)" -gt "$until" ]; then
      end_helper
      break
    fi
    heartbeat
    nap
  done
  helper=''
  [ -f "$entering" ] && entered=$entering
}

# An interactive shell ignores TERM.
end_helper() { [ -z "$helper" ] || kill_tree "$helper" "$helper_start_time"; }

# Sets $folder to a private temporary one, which is removed when the script ends.
make_scratch() {
  trap 'leave_scratch' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  folder=$(umask 077 && mktemp -d "${TMPDIR:-/tmp}/remote-notebook-XXXXXX" 2>&1) && return
  trouble=$folder folder=''
  cannot_write "${TMPDIR:-/tmp}"
}

leave_scratch() {
  end_helper
  [ -z "$folder" ] || rm -rf "$folder"
}

helper='' entered='' entries=0
