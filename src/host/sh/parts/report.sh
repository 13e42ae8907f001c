# A script arrives on the standard input of /bin/sh. It is in `{ … } </dev/null`, so that no child reads the rest of it, and
# nothing runs before all of it has arrived.

# Reports a value without newlines for key $1: see protocol.ts. Ends the script when its caller is gone.
report() { printf '@remote-notebook %s\n' "$*" || exit 1; }

# Prints a line of a record: key $1 and a value without newlines.
keep() { printf '%s\n' "$*"; }

# Ends the script with a cause, which failures.ts explains.
fail() {
  report failed "$*"
  exit 0
}

# Waits briefly. POSIX has no fractions, but GNU, BSD, macOS and busybox accept them.
nap() { sleep 0.005 2>/dev/null || sleep 1; }

# Notices now and then, in a loop of naps, that the caller is gone.
naps=0
heartbeat() {
  naps=$((naps + 1))
  [ $((naps % 30)) != 0 ] || report alive
}

# Reports the last lines of log $1, of which the last may lack its newline.
report_log() {
  [ -f "$1" ] && tail -n 15 "$1" | while IFS= read -r line || [ -n "$line" ]; do report log "$line"; done
}

# A start-up file of the login shell may have printed half a line.
echo
