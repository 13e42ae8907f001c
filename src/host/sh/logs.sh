# Prints the log of a server, after the frame `begin`.
#
#   folder   the folder of the server's record
#   lines    how many of the last lines to print
#   follow   not empty: continue until the server ends

log=$folder/log
[ -r "$log" ] || fail log "$log"
report begin
if [ -z "$follow" ]; then
  tail -n "$lines" "$log"
  exit 0
fi

tail -n "$lines" -f "$log" &
follower=$!
# Otherwise tail would stay until Jupyter's next line when its reader is gone.
trap 'kill "$follower" 2>/dev/null' EXIT
trap 'exit 0' HUP INT TERM PIPE
while record_lives "$folder"; do
  report alive
  sleep 1
done
report ended
