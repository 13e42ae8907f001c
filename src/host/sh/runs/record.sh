# The records of runs: a folder for each, with the files of driver.py.
RUNS=${SERVERS%/servers}/runs

# Sets $folder to that of run $run, and reads its record.
find_run() {
  case $run in '' | .* | */*) fail run "$run" ;; esac
  folder=$RUNS/$run
  read_record "$folder" || fail run "$run"
  record_boot=$(sed -n 's/^boot_id //p' "$folder/record")
}

# Whether the driver of the record that was read is alive, or its job has not ended. After a reboot, another process may have its
# PID and start time.
driver_lives() {
  if [ -n "$record_job" ]; then ! job_is_over && job_lives "$record_job"; return; fi
  [ "$record_boot" = "$(boot_identity)" ] && is_alive "$record_pid" "$record_start_time"
}

# Whether the job of the record that was read has ended for good. Its ID may be that of another job by now.
job_is_over() { [ -f "$folder/over" ] || { has_said_all && [ -f "$folder/ended" ]; }; }

# Ends the kernel of the run that was read, which outlives a driver that was killed. Whether it had already ended.
end_kernel() {
  # Nothing outlives a job.
  if [ -n "$record_job" ] || [ "$record_boot" != "$(boot_identity)" ]; then return 0; fi
  end_its_kernel
}

# The same on the node of the run.
end_its_kernel() {
  { read -r kernel_pid kernel_start_time <"$folder/kernel"; } 2>/dev/null || return 0
  [ "$(end_tree "$kernel_pid" "$kernel_start_time")" = gone ]
}

# Fails if the run that was read is on another node.
must_be_its_node() { ! is_elsewhere || fail another_node "$record_node $(uname -n)"; }

# Prints what distinguishes this boot of the machine from others, or nothing if that is unknown.
boot_identity() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.bootsessionuuid 2>/dev/null || :; }

# Reports the record of the run, whether its driver is alive, and the events that show its state.
report_run() {
  report folder "$folder"
  while IFS= read -r line; do report "$line"; done <"$folder/record"
  if [ -n "$record_job" ]; then
    report_job
  elif is_elsewhere; then
    report elsewhere "$record_node $(uname -n) $folder"
  elif driver_lives; then
    report process alive
    report elapsed "$(elapsed "$record_pid" "$record_start_time")"
  else
    report process gone
    [ "$record_boot" = "$(boot_identity)" ] || report rebooted
  fi
  [ ! -s "$folder/status" ] || report exit_status "$(cat "$folder/status")"
  # The last line may be incomplete. The first one is `begin`, and notes follow it.
  { head -n 5 "$folder/events" && tail -n 12 "$folder/events"; } 2>/dev/null |
    while IFS= read -r line; do report run_event "$line"; done
  report now "$(date +%s)"
  report run "${folder##*/}"
}

# Reports what the scheduler knows about the job of the run that was read, which is asked only for what the run itself has not
# written: whether it has ended, or its kernel is kept, and what else than `stop` has ended it.
report_job() {
  # A network file system looks again when the folder is read.
  ls "$folder" >/dev/null 2>&1
  report_failure
  if [ -f "$folder/over" ]; then
    report process gone
    report over "$(cat "$folder/over")"
  elif has_said_all; then
    report process gone
  elif ! find_recent_state "$record_job"; then
    report unanswered "$(printf '%s\n' "$trouble" | tail -n 1)"
  elif [ -n "$state" ]; then
    report process alive
    report queue "$(date +%s) $state"
  else
    report process gone
    over=$("${record_job%% *}_end" "${record_job#* }")
    report over "$over"
    [ -s "$folder/status" ] || [ -f "$folder/announced" ] || report_log "$folder/job.log"
    # A scheduler forgets it, or has it only some seconds later.
    if [ -n "$over" ] || [ -n "$(find "$folder/status" -prune -mmin +10 2>/dev/null)" ]; then
      # In one step, because others may read it at any time.
      (umask 077 && printf '%s\n' "$over" >"$folder/over-$$" && mv "$folder/over-$$" "$folder/over") 2>/dev/null
    fi
  fi
}

# Whether the run has written how it ended, and nobody else can have ended it. 130 is the status of a driver that got a signal.
has_said_all() {
  [ -s "$folder/status" ] || return 1
  if [ ! -d "$folder/stopping" ] && [ "$(cat "$folder/status")" = 130 ]; then return 1; fi
  # A job that keeps a kernel ends with it.
  ! grep -q '"e": "kept"' "$folder/events" || grep -q '"e": "released"' "$folder/events" || [ -f "$folder/ended" ]
}

# Reports why the job has not started the driver, and what was noted.
report_failure() {
  [ -f "$folder/announced" ] || return 0
  while IFS= read -r line; do
    line=${line#@remote-notebook }
    case $line in
      'failed '*) report prevented "${line#failed }" ;;
      'where '* | 'log '* | 'note '*) report "$line" ;;
    esac
  done <"$folder/announced"
}
