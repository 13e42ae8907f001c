# Writes a record for a running server that something else started, so that any machine finds it.
#
#   launch, from, name, directory    see parts/detached.sh
#   pid, start_time    the process of the server
#   file       its runtime file
#   command    the kind of server: jupyter lab, …
#   relay_program    see parts/relay.sh

main() {
  go_to_directory "$directory" || fail unserved "$pid $path"
  hold_record
  if record_lives "$folder"; then
    [ "$record_pid $record_start_time" = "$pid $start_time" ] || fail taken "$record_pid"
  else
    is_alive "$pid" "$start_time" || fail gone "$pid"
    [ ! -f "$folder/record" ] || remove_record "$folder"
    umask 077
    tr -d '\n' <"$file" >"$folder/server.json" || cannot_write "$folder"
    put_on_record keep_adopted
  fi
  start_relay "$folder"
  finish yes
}

# Not the socket and the log, which belong to whoever started the server.
keep_adopted() {
  keep adopted yes
  keep command "$command"
  keep runtime "$file"
}

undo() { [ -z "$begun" ] || forget_record "$folder"; }

main
