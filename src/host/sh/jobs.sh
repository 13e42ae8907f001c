# Reports the states of jobs, by one question to their scheduler.
#
#   scheduler    the launcher of the jobs
#   jobs         lines ID FOLDER, with the folder of the server's record

main() {
  must_find_state "$scheduler 0"
  now=$(date +%s)
  while read -r id folder; do
    state=$(printf '%s\n' "$states" | grep "^$id|")
    report job "$scheduler $id"
    if [ -n "$state" ]; then
      report queue "$now $state"
    else
      report over "$("${scheduler}_end" "$id")"
      report_log "$folder/job.log"
      report_log "$folder/log"
    fi
  done <<END
$jobs
END
}

main
