# The launcher that runs a process on this node.

# Runs code $1 in the environment, with the arguments after it. Sets $pid and $start_time to its process.
launch_process() {
  code=$1
  shift
  # The environment may have another PATH. A job's process stays in its group, which some schedulers end as a whole, and
  # which gets their warnings.
  detach=''
  [ -n "$job" ] || detach=$(command -v setsid || command -v nohup)
  ([ -z "$job" ] || trap '' USR1 USR2; in_environment "exec $detach $code" "$@") >"$folder/log" 2>&1 &
  child=$!
  child_start_time=$(start_time "$child")
  pid=$child start_time=$child_start_time
}

# Prints the lines of the record that identify the process, and its job.
keep_identity() {
  [ -z "$job" ] || keep job "$job"
  [ -n "$pid" ] || return 0
  keep pid "$pid"
  keep start_time "$start_time"
  keep node "$(uname -n)"
}

end_launched() {
  [ -n "$child" ] || return 0
  end_tree "$child" "$child_start_time" >/dev/null
  end_process "$pid" "$start_time" >/dev/null
}

child='' child_start_time='' job=''
