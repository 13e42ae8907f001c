# The first process of a batch job with a run: starts its driver on a node, and waits for its end. Its argument is the folder of
# the run.
#
#   launch, from, directory      see parts/detached.sh
#   setup, environment, command  settings of the server, see parts/environment.sh
#   notebook         see runs/driver.sh
#   scheduler        the launcher of the job
#   queue_timeout    in seconds, for the job to start; empty: none

main() {
  begin_job "$1"
  run=${folder##*/} name=${folder##*/}
  # When the first process of a job has ended, some schedulers kill the others at once: the driver has to save first.
  trap 'end_gently' HUP INT TERM USR2
  trap : USR1
  await_record
  # A job that the scheduler starts again was in time.
  [ -s "$folder/events" ] || is_in_time || fail late "$queue_timeout"
  # If the scheduler starts this job again, these are from before.
  rm -f "$folder/announced" "$folder/ended" "$folder/events" "$folder/status" "$folder/kernel" "$folder/over"
  go_to_directory "$directory" || fail directory "$path"
  its_folder=''
  [ -z "$notebook" ] || { expand_home "$notebook"; find_its_folder; }
  enter_environment
  enter_its_folder
  start_driver
  put_on_record keep_run
  answered=1
  announce
  remove_passing "$folder"
  # A signal interrupts the wait.
  until wait "$child"; code=$?; ! is_alive "$pid" "$start_time"; do :; done
  # The accounting of a scheduler shows the status of a process that a signal has ended.
  [ -z "$is_ending" ] || code=143
  exit "$code"
}

# Whether the job has not waited longer than the user wanted. Its script was written when it was submitted.
is_in_time() {
  [ -z "$queue_timeout" ] || [ -z "$(find "$folder/job.sh" -prune -mmin "+$((queue_timeout / 60))")" ]
}

# Lets the driver interrupt its cell and save, unless the scheduler has sent the signal to all processes: a second one would
# make the driver give up at once.
end_gently() {
  is_ending=1
  [ -s "$folder/events" ] || exit 143
  sleep 1
  grep -q '"e": "cancel"' "$folder/events" 2>/dev/null || kill -TERM "$pid" 2>/dev/null
}

leave_job() {
  trap '' HUP INT TERM USR1 USR2
  end_helper
  if is_record_of "$folder" "$job"; then
    reported=$(cat "$announced_part" 2>/dev/null)
    [ -n "$answered" ] || { end_launched; announce_failure; }
    end_its_kernel || :
    remove_passing "$folder"
  fi
  rm -f "$announced_part"
  note_end
}

is_ending=''
main "$@"
