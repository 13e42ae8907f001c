# The launcher that runs a process on this node.

# Runs code $1 in the environment, with the arguments after it. Sets $pid and $start_time to its process.
launch_process() {
  code=$1 detach=nohup
  shift
  ! command -v setsid >/dev/null 2>&1 || detach=setsid
  (in_environment "exec $detach $code" "$@") >"$folder/log" 2>&1 &
  child=$!
  child_start_time=$(start_time "$child")
  pid=$child start_time=$child_start_time
}

# Prints the lines of the record that identify the process.
keep_identity() {
  keep pid "$pid"
  keep start_time "$start_time"
  keep node "$(uname -n)"
}

end_launched() {
  [ -n "$child" ] || return 0
  end_tree "$child" "$child_start_time" >/dev/null
  ! is_alive "$pid" "$start_time" || end_process "$pid" "$start_time" >/dev/null
}

child='' child_start_time=''
