# Reports whether a server's process is alive, and whether it listens on its port; if not alive, the end of its log.
#
#   folder             the folder of its record
#   pid, start_time    its process
#   origin, machine    the attempt that started it first, and the machine, see parts/machine.sh; empty: unknown
#   port               empty: it listens on a socket

must_be_here "$folder"
must_be_same_machine "$folder" "$pid $start_time" "$origin" "$machine"
if is_alive "$pid" "$start_time"; then
  report process alive
  [ -z "$port" ] || report holds "$(holds_port "$pid" "$port")"
else
  report process gone
  report_log "$folder/log"
fi
