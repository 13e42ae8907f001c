# Removes a run that has ended, with its outputs.
#
#   run    its name

# Whether the driver ends within a quarter of a minute: one that has written how its run ended is about to.
ends_soon() {
  [ -s "$folder/status" ] || return 1
  until=$(($(date +%s) + 15))
  while driver_lives; do
    [ "$(date +%s)" -le "$until" ] || return 1
    heartbeat
    sleep 0.1 2>/dev/null || sleep 1
  done
}

# A scheduler is asked at most so often, in seconds.
ask_every=3
find_run
must_be_its_node
if driver_lives; then ends_soon || fail running "$run"; fi
end_kernel || :
rm -rf "$folder" 2>/dev/null || cannot_write "$folder"
report gone
