# Ends the job of a server, and verifies that it is gone.
#
#   folder    the folder of its record
#   job       SCHEDULER ID
#   grace     seconds to wait before the job is cancelled, if its server has been asked to shut down

main() {
  how=shutdown
  if [ "$grace" = 0 ] || ! ends_within "$grace" "$job" "$folder"; then
    must_find_state "$job"
    if [ -z "$state" ]; then
      how=''
    elif ! "${job%% *}_ends" "$state"; then
      how=cancelled
      cancel_job "$job"
    fi
  fi
  forget_job "$folder" "$job"
  if [ -n "$how" ]; then report stopped "$how"; else report gone; fi
}

main
