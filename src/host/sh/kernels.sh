# Reports what is known about kernels that died. Changes nothing.
#
#   folders   the folders of the records of servers, one a line

main() {
  report clock "$(date '+%Y-%m-%d %H:%M:%S')"
  report_kills
  while IFS= read -r folder; do
    # A job has its processes on its node. Its scheduler is not asked: the caller knows that the server is running.
    if read_record "$folder" && [ -n "$record_job" ]; then
      report job "$record_job"
      report_events
      report oom "$(cat "$folder/oom" 2>/dev/null)"
    elif record_lives "$folder" && ! is_elsewhere; then
      report_kernels
      report_events
      report oom "$(oom_kills "$record_pid")"
    else
      continue
    fi
    report folder "$folder"
  done <<END
$folders
END
}

# The kernels that are running, and for how long. Jupyter puts the ID of a kernel into its arguments.
report_kernels() {
  for each in $(descendants "$record_pid"); do
    id=$(command_line "$each" | sed -n 's/.*kernel-\([0-9a-f-]*\)\.json.*/\1/p')
    [ -z "$id" ] || report kernel_process "$id $(elapsed "$each" "$(start_time "$each")")"
  done
}

# The lines of the log that jupyter/deaths.ts understands. The log itself may be long.
report_events() {
  tail -c 1000000 "$folder/log" 2>/dev/null | grep -E 'Kernel started: |KernelRestarter: |[Kk]ernel [0-9a-f-]+ (restarted|died)' |
    tail -n 300 | while IFS= read -r line; do report event "$line"; done
}

# The ends of processes in the log of the system's kernel, if this user may read it, and the seconds since it started.
report_kills() {
  { read -r uptime _ </proc/uptime; } 2>/dev/null || return 0
  dmesg 2>/dev/null | grep -E 'Killed process [0-9]+|segfault at' | tail -n 20 | while IFS= read -r line; do
    report killed "$uptime $line"
  done
}

main
