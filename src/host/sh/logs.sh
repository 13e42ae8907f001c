# Prints the log of a server, after the frame `begin`. Reports `gone` before it if the server has ended.
#
#   folder   the folder of the server's record; empty: search for it
#   pid, start_time, origin, machine    of the server, see look.sh; empty: unknown
#   name, directory    of the server, for the search
#   file     of the folder: log, or what a run prints
#   lines    how many of the last lines to print, or +N for all from line N on
#   follow   not empty: continue until the server ends

main() {
  [ -n "$folder" ] || find_log
  must_be_same_machine "$folder" "$pid $start_time" "$origin" "$machine"
  log=$folder/$file
  [ -r "$log" ] || fail log "$log"
  if ! record_lives "$folder" && ! is_elsewhere; then
    report gone
    follow=''
  fi
  recent=$lines
  [ -z "$follow" ] || number_lines
  report begin
  begin_job_log
  if [ -n "$follow" ]; then follow_log; else tail -n "$lines" "$log"; fi
}

# Prints the last lines of what the scheduler and the job printed, except for a log that is followed again.
begin_job_log() {
  shown=0
  has_job_log || return 0
  case $recent in +*) ;; *) job_lines | tail -n "$recent" ;; esac
  shown=$(($(job_lines | wc -l)))
}

# What the cells of a run print is followed again by the number of the line, so nothing else is among it.
has_job_log() { [ "$file" = log ] && [ -s "$folder/job.log" ]; }

job_lines() { grep -Ev '^(@remote-notebook |$)' "$folder/job.log" || :; }

# Prints what was added to them since. It ends with the scheduler's reason when that ends the job.
continue_job_log() {
  has_job_log || return 0
  count=$(($(job_lines | wc -l)))
  # Another job of the server begins another file.
  [ "$count" -ge "$shown" ] || shown=0
  [ "$count" -eq "$shown" ] || job_lines | tail -n "+$((shown + 1))"
  shown=$count
}

# Sets $folder to that of the server in this directory, or else of the one of that name whose log is the newest.
find_log() {
  if go_to_directory "$directory"; then
    find_record "$name"
    [ ! -r "$record/log" ] || folder=$record
  fi
  [ -n "$folder" ] || each_named "$name" take_newer
}

take_newer() {
  [ -r "$1/log" ] || return 0
  if [ -z "$folder" ] || [ -n "$(find "$1/log" -prune -newer "$folder/log" 2>/dev/null)" ]; then folder=$1; fi
}

# Reports the number of the first line, by which a log can be followed again after the connection was lost.
number_lines() {
  case $lines in +*) return 0 ;; esac
  lines=$(($(wc -l <"$log") - lines + 1))
  [ "$lines" -ge 1 ] || lines=1
  report first "$lines"
  lines=+$lines
}

# Whether the job of the record that was read has ended by its own account: its scheduler is asked only once a minute.
has_left() {
  [ -n "$record_job" ] && [ "$(cat "$folder/ended" 2>/dev/null)" = "$record_job" ]
}

# Reports what the scheduler says about a job that has not printed anything yet. It is asked after 1, 2, 4, 8 … s, then once a
# minute.
report_queue() {
  [ "$asked_until" != "$shown_until" ] || return 0
  shown_until=$asked_until
  ask_every=$((ask_every * 2))
  [ "$ask_every" -le 60 ] || ask_every=60
  if [ -z "$record_job" ] || [ -s "$log" ] || [ -z "$state" ]; then return 0; fi
  report queue "$(date +%s) $state"
}

# Waits for the scheduler to learn how the job of a run has ended, if it may know more than the run: most kill what is left of a
# job after half a minute.
await_delisting() {
  if [ -z "$record_job" ] || [ -d "$folder/stopping" ] || [ "$(cat "$folder/status" 2>/dev/null)" != 130 ]; then return 0; fi
  looks=0
  while [ $looks -lt 30 ] && find_state "$record_job" && [ -n "$state" ] && ! "${record_job%% *}_waits" "$state"; do
    looks=$((looks + 1))
    report alive
    sleep 1
  done
}

follow_log() {
  tail -n "$lines" -f "$log" &
  follower=$!
  # Otherwise tail would keep running until Jupyter's next line after its reader has ended.
  trap 'kill "$follower" 2>/dev/null' EXIT
  trap 'exit 0' HUP INT TERM PIPE
  # A run has ended when its exit status is there, although its kernel may be kept.
  while [ ! -s "$folder/status" ] && record_lives "$folder" && ! has_left; do
    continue_job_log
    report_queue
    report alive
    sleep 1
  done
  # The scheduler may print its reason after the end of the job's own process, or tell it when it does not list the job any more.
  [ ! -s "$folder/job.log" ] || sleep 2
  await_delisting
  continue_job_log
  report ended
}

shown_until=0
[ -z "$follow" ] || ask_every=1
main
