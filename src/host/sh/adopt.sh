# Puts a server that runs, and that something else has started, on record, so that any machine finds it.
#
#   launch, from, name, directory    see parts/detached.sh
#   pid, start_time  the server
#   file             its runtime file
#   command          what it is: jupyter lab, …
#   up               for how many seconds it runs
#
# Answers as launch.sh does for a server that runs.

main() {
  go_to_directory || fail unserved "$pid $path"
  hold_record
  if record_lives "$folder"; then
    [ "$record_pid $record_start_time" = "$pid $start_time" ] || fail taken "$record_pid"
  else
    is_alive "$pid" "$start_time" || fail gone "$pid"
    [ ! -f "$folder/record" ] || remove_record "$folder"
    umask 077
    tr -d '\n' <"$file" >"$folder/server.json" || fail folder "$folder"
    put_on_record keep_adopted
  fi
  report_server "$folder"
  report joined yes
  answered=1
}

# Its socket and its log are its owner's, and not named.
keep_adopted() {
  keep adopted yes
  keep command "$command"
  keep runtime "$file"
  keep started "$(($(date +%s) - up))"
}

undo() { [ -z "$begun" ] || forget_record "$folder"; }

main
exit 0
