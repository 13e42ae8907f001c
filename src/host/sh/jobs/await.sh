# Waits for a server in a job of a batch scheduler.
#
#   mode, job_script    see launch.sh and jobs/submit.sh
#   no_wait        not empty: do not wait for the start of the job
#   queue_timeout  in seconds, for the job to start; empty: none

keep_job() {
  keep origin "$origin"
  keep environment "$environment"
}

# Makes the job, unless it is about to start its server, end that and start it with the settings of now: see job.sh.
ask_for_another() {
  [ -f "$folder/announced" ] || return 0
  rm -f "$folder/announced" "$folder/booting"
  (umask 077 && printf '%s' "$job_script" >"$folder/next-part") 2>/dev/null || cannot_write "$folder"
  mv "$folder/next-part" "$folder/next.sh" || cannot_write "$folder"
  joined=no
}

# Waits until the server in $job is announced, and reports it. The scheduler is asked after 1, 2, 4, 8 … s, then once a minute.
await_job() {
  # From now on, others can join.
  release_lock "$folder"
  locked='' answered=1
  report job "$job"
  [ "$mode" = find ] || report phase queue
  began=$(date +%s)
  pause=1 ask_at=$((began + 1)) looks=0 is_queued=1 missing=0
  [ "$mode" = start ] || ask_at=$began
  is_booting=''
  until is_announced; do
    [ -n "$is_booting" ] || report_boot
    now=$(date +%s)
    if [ "$now" -ge "$ask_at" ]; then
      ask_at=$((now + pause))
      look_at_queue
      [ "$mode" = start ] && [ -z "$no_wait" ] || return 0
      [ $pause -ge 60 ] || pause=$((pause * 2))
      [ $pause -le 60 ] || pause=60
    fi
    # A start that is close is noticed at once; a long wait costs the login node little.
    if [ -n "$is_queued" ] && [ $((now - began)) -gt 20 ]; then sleep 2; else sleep 0.1 2>/dev/null || sleep 1; fi
    looks=$((looks + 1))
    [ $((looks % 20)) != 0 ] || report alive
  done
  report_announced
}

is_announced() {
  # A network file system looks again when the folder is read.
  ls "$folder" >/dev/null 2>&1
  announced=''
  { IFS= read -r announced <"$folder/announced"; } 2>/dev/null
  [ "$announced" = "job $job" ]
}

# Reports where the server is about to listen, as soon as its job has shown that.
report_boot() {
  { IFS= read -r booting <"$folder/booting"; } 2>/dev/null
  [ "$booting" = "job $job" ] || return 0
  is_booting=1
  report here "$(uname -n)"
  grep -E '^@remote-notebook (node|host_key|relay|relay_python) ' "$folder/booting" || :
  grep '^@remote-notebook boot' "$folder/booting" || :
}

look_at_queue() {
  find_state "$job" || { report unanswered "$(printf '%s\n' "$trouble" | tail -n 1)"; return; }
  if [ -z "$state" ] || "${job%% *}_ends" "$state"; then
    # What it has announced may come late.
    missing=$((missing + 1)) pause=1
    [ $missing -lt 4 ] || is_announced || has_ended
    return 0
  fi
  report queue "$now $state"
  if "${job%% *}_waits" "$state"; then
    if [ -n "$queue_timeout" ] && [ "$joined" = no ] && [ $((now - began)) -ge "$queue_timeout" ]; then
      "${job%% *}_cancel" "${job#* }" >/dev/null 2>&1
      forget_job "$folder" "$job"
      fail queue "$queue_timeout"
    fi
  elif [ -n "$is_queued" ]; then
    is_queued=''
    report phase jupyter
  fi
}

# Ends the script, since the job has ended and has announced nothing.
has_ended() {
  report over "$("${job%% *}_end" "${job#* }")"
  report_log "$folder/job.log"
  forget_job "$folder" "$job"
  fail ended "$job"
}

# Reports what job.sh has reported in the file, except that it is alive, or about to be ready.
report_announced() {
  report here "$(uname -n)"
  grep '^@remote-notebook ' "$folder/announced" | grep -Ev '^@remote-notebook (alive|boot|joined|elapsed|folder|job)( |$)' || :
  if grep -q '^@remote-notebook joined' "$folder/announced"; then
    report_age "$folder"
    report joined "$joined"
  else
    rm -f "$folder/announced" "$folder/booting" "$folder/job.sh" "$folder/ended"
  fi
}
