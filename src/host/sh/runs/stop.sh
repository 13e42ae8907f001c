# Cancels a run, and verifies that its driver and its kernel are gone. Its outputs stay.
#
#   run      its name
#   launch   not empty: undo the start with this ID instead, if it has put a run on record

main() {
  if [ -n "$launch" ]; then find_launched; else find_run; fi
  report folder "$folder"
  must_be_its_node
  # The driver forgets at its end what the files of the run have replaced.
  [ -z "$launch" ] || ! take_back_files || is_restored=yes
  how=gone
  if [ -n "$record_job" ]; then
    stop_job
  elif driver_lives; then
    case $(command_line "$record_pid") in
      *"$folder/driver.py"*) cancel ;;
      # It may have ended since.
      *) ! driver_lives || fail no_driver "$record_pid $folder" ;;
    esac
    [ "$how" != unkillable ] || fail stuck "$record_pid"
  fi
  end_kernel || [ "$how" != gone ] || how=killed
  report stopped "$how"
  if [ -z "$launch" ]; then report_run; elif [ -n "$is_restored" ]; then rm -rf "$folder"; fi
}

# Sets $how. The driver interrupts the cell, waits 10 s, and saves. A second signal makes it give up what it waits for: so another
# stop of the same run only waits.
cancel() {
  how=cancelled
  [ ! -s "$folder/status" ] || how=released
  signals=1
  mkdir "$folder/stopping" 2>/dev/null || signals=0
  [ "$signals" = 0 ] || kill -TERM "$record_pid" 2>/dev/null
  kill -CONT "$record_pid" 2>/dev/null
  gone_within 20 "$record_pid" "$record_start_time" && return
  kill -TERM "$record_pid" 2>/dev/null
  gone_within 10 "$record_pid" "$record_start_time" && return
  how=$(end_process "$record_pid" "$record_start_time")
}

# Sets $how. The first process of a job that runs lets its driver interrupt the cell and save.
stop_job() {
  ! job_is_over || return 0
  must_find_state "$record_job"
  if [ -z "$state" ]; then return 0; fi
  how=cancelled
  [ ! -s "$folder/status" ] || how=released
  mkdir "$folder/stopping" 2>/dev/null || :
  if ! "${record_job%% *}_waits" "$state"; then
    [ "$(cat "$folder/ended" 2>/dev/null)" = "$record_job" ] || "${record_job%% *}_interrupt" "${record_job#* }" >/dev/null 2>&1
    ends_within 30 "$record_job" "$folder" || :
  fi
  cancel_job "$record_job"
  # A driver that had no time, or was never started, has not written how it ended.
  [ -n "$launch" ] || [ -s "$folder/status" ] || write_cancelled || cannot_write "$folder"
}

write_cancelled() {
  (
    umask 077
    printf '{"t": %s, "e": "end", "state": "cancelled"}\n' "$(date +%s)" >>"$folder/events" && echo 130 >"$folder/status"
  ) 2>/dev/null
}

find_launched() {
  rm -f "$RUNS/.$launch" "$RUNS/.$launch.tar"
  for each in "$RUNS"/*/record; do
    grep -qxF "launch $launch" "$each" 2>/dev/null || continue
    each=${each%/record}
    run=${each##*/}
    find_run
    return 0
  done
  report gone
  exit 0
}

is_restored=''
main
