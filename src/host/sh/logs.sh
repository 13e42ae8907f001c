# Prints the log of one server, behind the frame `begin`.
#
#   folder   the server's record
#   lines    how many of its last lines
#   follow   not empty: go on until the server ends

log=$folder/log
[ -r "$log" ] || fail log "$log"
report begin
if [ -z "$follow" ]; then
  tail -n "$lines" "$log"
  exit 0
fi

tail -n "$lines" -f "$log" &
follower=$!
# Without these, a follower whose reader is gone would stay until Jupyter's next line.
trap 'kill "$follower" 2>/dev/null' EXIT
trap 'exit 0' HUP INT TERM PIPE
while record_lives "$folder"; do
  report alive
  sleep 1
done
report ended
exit 0
