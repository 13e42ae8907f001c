# Tells whether one server's process lives, and its last words if it does not.
#
#   folder      the server's record
#   pid, start_time  the server

must_be_here "$folder"
if is_alive "$pid" "$start_time"; then
  report process alive
else
  report process gone
  report_log "$folder/log"
fi
exit 0
