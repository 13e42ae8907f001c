# Jobs of batch schedulers. A job is named SCHEDULER ID; the launcher of SCHEDULER has its commands.

# Sets $state to the scheduler's line for job $1, or to nothing if it does not know the job any more. Fails if it does not
# answer: then $trouble is what it printed.
find_state() {
  case $1 in *[!a-z0-9\ ]*) return 1 ;; esac
  states=$("${1%% *}_states" 2>&1) || { trouble=$states; return 1; }
  # A site may print something with each answer.
  state=$(printf '%s\n' "$states" | grep "^${1#* }|")
  return 0
}

# The same, but asks a scheduler at most every $ask_every seconds.
find_recent_state() {
  if [ "$asked" != "${1%% *}" ] || [ "$(date +%s)" -ge "$asked_until" ]; then
    answered_ask=yes
    find_state "$1" || answered_ask=''
    asked=${1%% *} asked_until=$(($(date +%s) + ask_every))
  fi
  [ -n "$answered_ask" ] || return 1
  state=$(printf '%s\n' "$states" | grep "^${1#* }|")
  return 0
}

# Whether job $1 has not ended. If its scheduler does not answer, it may be running. Asks as find_recent_state does.
job_lives() {
  find_recent_state "$1" || return 0
  [ -n "$state" ] && ! "${1%% *}_ends" "$state"
}

# Whether the first process of job $2 reports its end within $1 seconds, in folder $3 of its record.
ends_within() {
  until=$(($(date +%s) + $1))
  until ls "$3" >/dev/null 2>&1 && [ "$(cat "$3/ended" 2>/dev/null)" = "$2" ]; do
    [ "$(date +%s)" -le "$until" ] || return 1
    sleep 0.1 2>/dev/null || sleep 1
    heartbeat
  done
}

# Cancels job $1, and waits until its scheduler does not list it any more.
cancel_job() {
  "${1%% *}_cancel" "${1#* }" >/dev/null 2>&1
  await_end "$1"
}

# A job has some time to end by itself, after which the scheduler kills its processes: 30 s, mostly.
await_end() {
  until=$(($(date +%s) + 90)) pause=0.3
  while must_find_state "$1"; do
    [ -n "$state" ] || return 0
    [ "$(date +%s)" -le "$until" ] || fail lingers "$1"
    report alive
    sleep $pause 2>/dev/null || sleep 1
    if [ $pause = 0.3 ]; then pause=1; elif [ "$pause" -lt 8 ]; then pause=$((pause * 2)); fi
  done
}

# As find_state, or fails.
must_find_state() { find_state "$1" || fail unanswered "$(printf '%s\n' "$trouble" | tail -n 1)"; }

# Whether the record in folder $1 is that of job $2.
is_record_of() { read_record "$1" && [ "$record_job" = "$2" ]; }

# Removes the record in folder $1 of job $2, unless a later start wrote it. Keeps the logs, which may be wanted now.
forget_job() {
  is_record_of "$1" "$2" || return 0
  take_lock "$1"
  ! is_record_of "$1" "$2" || remove_record "$1"
  release_lock "$1"
}

# Reports for how long the job has been running that has announced itself in folder $1.
report_age() {
  begun_at=$(sed -n '2s/^begun //p' "$1/announced")
  report elapsed "$(($(date +%s) - ${begun_at:-0}))"
}

asked='' asked_until=0 answered_ask='' ask_every=60
