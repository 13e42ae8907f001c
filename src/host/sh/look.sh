# Reports whether a server's process is alive; if not, the end of its log.
#
#   folder             the folder of its record
#   pid, start_time    its process

must_be_here "$folder"
if is_alive "$pid" "$start_time"; then
  report process alive
else
  report process gone
  report_log "$folder/log"
fi
