# Stops a server and verifies that it is gone.
#
#   folder    the folder of its record; empty: that of the launch
#   pid, start_time    its process; empty: that of the record
#   origin    the attempt that started it first, by which it is recognized after a restart
#   machine   the machine on which it was started, see parts/machine.sh; empty: unknown
#   launch    not empty: stop it only if this launch wrote the record
#   grace     seconds to wait before signals, if its API has been asked to shut it down

main() {
  if [ -n "$launch" ]; then undo_launch; else must_be_here "$folder"; fi
  must_be_same_machine "$folder" "$pid $start_time" "$origin" "$machine"
  if [ -z "$pid" ] || is_restarted; then pid=$record_pid start_time=$record_start_time; fi
  is_alive "$pid" "$start_time" || { forget; end_gone; }
  # The ID of a launch shows that it has just written the record. A process that is ending has no command line any more.
  [ -n "$launch" ] || is_server || gone_within 2 "$pid" "$start_time" || fail stranger "$pid $folder"
  if [ "$grace" -gt 0 ] && gone_within "$grace" "$pid" "$start_time"; then
    how=shutdown
  elif [ -n "$launch" ]; then
    how=$(end_tree "$pid" "$start_time")
  else
    how=$(end_process "$pid" "$start_time")
  fi
  [ "$how" != unkillable ] || fail unkillable "$pid"
  [ "$how" != gone ] || { forget; end_gone; }
  forget
  report stopped "$how"
}

# Whether a restart has put another process in its place.
is_restarted() {
  [ -n "$origin" ] && ! is_alive "$pid" "$start_time" && record_lives "$folder" && [ "$record_origin" = "$origin" ]
}

# Whether process $pid is a server: its command line shows Jupyter or the options that it gets, or else it listens where
# the runtime file says. A record that somebody has changed could name any process.
is_server() {
  case $(command_line "$pid") in
    *ipykernel* | */kernel-*.json*) return 1 ;;
    *[Jj]upyter* | *notebook*) return 0 ;;
  esac
  each_listener "$pid" | while IFS= read -r where; do
    case $(cat "$folder/server.json") in
      *"\"port\": $where"[!0-9]* | *"\"sock\": \"$where\""*) echo yes ;;
    esac
  done | grep -q yes
}

# Ends the script of the launch. Returns only if the launch has started a server, which is to be stopped.
undo_launch() {
  [ -n "$folder" ] || find_launch || end_gone
  end_launch
  take_lock "$folder"
  release_lock "$folder"
  must_be_here "$folder"
  [ "$record_launch" = "$launch" ] || end_gone
  [ -z "$record_job" ] || undo_recorded_job
  [ -n "$record_adopted" ] || return 0
  take_lock "$folder"
  forget_record "$folder"
  release_lock "$folder"
  end_gone
}

# The connection may have been lost before the launch reported the job.
undo_recorded_job() {
  job=$record_job
  cancel_job "$job"
  forget_job "$folder" "$job"
  report stopped cancelled
  exit 0
}

end_gone() {
  report gone
  exit 0
}

# Sets $folder: the connection may have been lost before the launch reported it.
find_launch() {
  for folder in "$SERVERS"/*/; do
    folder=${folder%/}
    if holds_lock || { read_record "$folder" && [ "$record_launch" = "$launch" ]; }; then return 0; fi
  done
  return 1
}

# Whether the launch holds the lock of $folder. Sets $signature to the text of the lock.
holds_lock() { signature=$(readlink "$folder/lock") && [ "${signature%% *}" = "$launch" ]; }

# A launch undoes itself when it notices that its caller is gone, but commands that it runs may delay that.
end_launch() {
  holds_lock || return 0
  holder=${signature#* }
  [ "${holder%% *}" = "$(uname -n)" ] || return 0
  holder=${holder#* }
  script=${holder%% *} script_start_time=${holder#* }
  for signal in TERM KILL; do
    await_submission
    is_alive "$script" "$script_start_time" || return 0
    # The signal to the group also reaches processes that are being started.
    # shellcheck disable=SC2046
    kill "-$signal" "-$script" "$script" $(descendants "$script") 2>/dev/null
    gone_within 12 "$script" "$script_start_time" && return 0
  done
}

# A launch that submits a job cancels it by itself, as soon as it knows the ID: see jobs/submit.sh.
await_submission() {
  while [ -f "$folder/submitting" ] && is_alive "$script" "$script_start_time"; do
    nap
    heartbeat
  done
}

# Removes the record, unless a later start wrote it. Keeps the log, which may be wanted now.
forget() {
  is_ours || return 0
  take_lock "$folder"
  if is_ours; then
    remove_record "$folder"
    name=${folder##*/}
    each_named "${name%-*}" forget_log
  fi
  release_lock "$folder"
}

# Removes an older log in folder $1: only the last log of each name is kept.
forget_log() {
  if [ "$1" = "$folder" ] || [ -f "$1/record" ] || [ -h "$1/lock" ]; then return 0; fi
  rm -f "$1/log"
  rmdir "$1" 2>/dev/null
}

is_ours() { read_record "$folder" && [ "$record_pid $record_start_time" = "$pid $start_time" ]; }

main
