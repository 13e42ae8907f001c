# The variables of an environment. Processes of their own enter it, and leave their variables in a file: whatever a
# start-up file, an activation script or a line of the user's does, prints or breaks, this shell goes on. Only what is to
# run in the environment reads that file.
#
#   folder, here    where it is kept while it is needed, and the directory of the server

# Runs code $1 in the environment, as far as it is entered, with the words behind it: what runs there goes by these
# alone, since any other name may be a variable of the user's. For subshells only.
in_environment() {
  set -- "$entered" "$here" "$@"
  if [ -n "$1" ]; then
    # shellcheck disable=SC1090
    . "$1"
    cd "$2" || exit
  fi
  eval "shift 3; $3 \"\$@\""
}

# For code of that kind: variable $1, and program $2, also where $1 leads.
value_of() { eval "printf '%s' \"\$$1\""; }
program_in() { PATH=$PATH:$1 && command -v "$2"; }

# Adds a line of shell to the environment.
adjust_environment() {
  entered=${entered:-$folder/entered-0}
  (umask 077 && printf '%s\n' "$1" >>"$entered") 2>/dev/null || fail folder "$folder"
}

# Sets $quoted to $1 as one word of shell.
quote() {
  quoted=$1
  case $1 in *"'"*) quoted=$(printf '%s\n' "$1" | sed "s/'/'\\\\''/g") ;; esac
  quoted="'$quoted'"
}

# What a shell does at its end, to leave its variables here. It passes through other programs' quoting.
LEAVE_CODE='umask 077; set -- "$REMOTE_NOTEBOOK_ENTERING"; unset REMOTE_NOTEBOOK_ENTERING; export -p >"$1-part" && mv "$1-part" "$1"'

# Runs code $1 with the words behind it, and enters what it leaves; fails when it does. In bash, where there is
# one: activation scripts are written for it, more often than they say.
enter_by() {
  enter_within 0 "$(command -v bash || echo /bin/sh)" -c 'code=$1; shift; eval "$code" || exit; exec /bin/sh -c '"'$LEAVE_CODE'" sh "$@"
}

# Runs a command, which leaves its variables at its end, for at most $1 seconds (0: as long as it takes). They are the
# environment from then on. Whether it did.
enter_within() {
  limit=$1 entries=$((entries + 1))
  entering=$folder/entered-$entries
  shift
  (in_environment run_entering "$entering" "$@") >>"$folder/output" 2>&1 &
  helper=$! helper_start_time=$(start_time $!)
  [ "$limit" = 0 ] || until=$(($(date +%s) + limit))
  until [ -f "$entering" ]; do
    if ! is_alive "$helper" "$helper_start_time"; then break; fi
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

run_entering() {
  export REMOTE_NOTEBOOK_ENTERING="$1"
  shift
  exec "$@"
}

# It may be deaf to TERM, as an interactive shell is.
end_helper() {
  # shellcheck disable=SC2046
  [ -z "$helper" ] || kill -KILL "$helper" $(descendants "$helper") 2>/dev/null
}

# For a script that leaves nothing: sets $folder to one where what is left behind while an environment is entered lies
# until the script's end, for this session alone to look.
make_scratch() {
  trap 'leave_scratch' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  folder=$(umask 077 && mktemp -d "${TMPDIR:-/tmp}/remote-notebook-XXXXXX" 2>/dev/null) || fail folder "${TMPDIR:-/tmp}"
}

leave_scratch() {
  end_helper
  [ -z "$folder" ] || rm -rf "$folder"
}

helper='' entered='' entries=0
