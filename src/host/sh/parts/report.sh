# What the scripts on the host share. They run under /bin/sh, come on its standard input behind
# system/process.sh and the assignments of their variables, and answer in lines of this form:
#   @remote-notebook KEY VALUE
# The whole stands in `{ … } </dev/null`: no child eats the rest of the script, and none runs before all is there.

# $1: key, rest: value, without newlines. Ends the script when nobody listens any more.
report() { printf '@remote-notebook %s\n' "$*" || exit 1; }

# One line of a record. $1: key, rest: value, without newlines.
keep() { printf '%s\n' "$*"; }

# Ends the script with a cause that the client knows.
fail() {
  report failed "$*"
  exit 0
}

# A short wait. Fractions are no POSIX, yet GNU, BSD, macOS and busybox take them.
nap() { sleep 0.005 2>/dev/null || sleep 1; }

# A sign of life at some of the naps, by which a script notices that its caller is gone.
naps=0
heartbeat() {
  naps=$((naps + 1))
  [ $((naps % 30)) != 0 ] || report alive
}

# The last lines of log $1, each in a frame; the very last may lack its end.
report_log() {
  [ -f "$1" ] && tail -n 15 "$1" | while IFS= read -r line || [ -n "$line" ]; do report log "$line"; done
}

# A start-up file of the login shell may have printed half a line.
echo
