# A script arrives on the standard input of /bin/sh. It is in `{ … } </dev/null`, so that no child reads the rest of it, and
# nothing runs before all of it has arrived.

NEWLINE='
'

# Whether text $1 is without control characters. A name of a file may contain them, and a line break would make one line
# of a record or of this protocol two.
is_plain() {
  case $1 in *"$NEWLINE"* | *[[:cntrl:]]*) return 1 ;; esac
}

# Reports a value for key $1, in one line: see protocol.ts. Ends the script when its caller is gone.
report() {
  frame=$*
  case $frame in *"$NEWLINE"*) frame=$(printf '%s' "$frame" | tr '\n' '?') ;; esac
  printf '@remote-notebook %s\n' "$frame" || exit 1
}

# Writes a line of a record to file descriptor 3: key $1 and its value.
keep() {
  is_plain "$*" || fail control "$*"
  printf '%s\n' "$*" >&3
}

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

# Ends the script since it cannot write to folder $1, with the reason: $trouble, or that of another try.
cannot_write() {
  [ -n "$trouble" ] || trouble=$({ date >"$1/probe.$$" || : && rm -f "$1/probe.$$"; } 2>&1)
  [ -z "$trouble" ] || report log "$trouble"
  fail folder "$1"
}
trouble=''

# Whether the tools that every script needs are on the PATH. Sets $tool to one that is not.
has_tools() {
  for tool in awk cat cksum date grep head id ln ls mkdir mktemp mv od readlink rm rmdir sed sleep tail tr uname wc; do
    command -v "$tool" >/dev/null 2>&1 || return 1
  done
}

# A start-up file of the login shell may have printed half a line.
echo
# It may have read a part of this script.
[ "$first_line" = $$ ] || fail input
# It may have replaced the PATH.
has_tools || {
  export PATH="${PATH:+$PATH:}/usr/bin:/bin"
  has_tools || fail absent "$tool"
}
