# Prepares a console in the kernel of a run that has failed: writes the program `console` to its folder.
#
#   run    its name
#   within    words before a command that is to run in the job of the run; empty: its node is this one
#   console_program    the text of console.py

main() {
  find_run
  must_be_its_node
  report_run
  find_kept
  kernel_pid=''
  { read -r kernel_pid kernel_start_time <"$folder/kernel"; } 2>/dev/null
  [ -n "$connection" ] || fail kept "$run never"
  ! grep -q '"e": "released"' "$folder/events" || fail kept "$run over"
  driver_lives || fail kept "$run lost"
  if [ -z "$within" ]; then
    [ "$record_node" = "$(uname -n)" ] || fail another_node "$record_node $(uname -n)"
    is_alive "$kernel_pid" "$kernel_start_time" || fail kept "$run died"
  fi
  (
    umask 077
    printf '%s\n' "$console_program" >"$folder/console.py" &&
      printf 'exec %s %s %s %s %s\n' "$within" "$(quoted "$record_python")" "$(quoted "$folder/console.py")" "$(quoted "$connection")" "$kernel_pid" >"$folder/console"
  ) 2>/dev/null || cannot_write "$folder"
}

# Sets $connection to the connection file of the kernel, if it was kept.
find_kept() { connection=$(sed -n 's/.*"e": "kept".*"file": "\([^"\\]*\)".*/\1/p' "$folder/events" | tail -n 1); }

# Prints text $1 in quotes for a sh.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

main
