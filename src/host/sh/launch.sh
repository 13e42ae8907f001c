# Finds a server on the host, or starts it and waits until Jupyter has written its runtime file.
#
#   mode         start, or find: report `absent` instead of starting one
#   again        not empty: start the server of a job again, in that job
#   launch, from, name, directory    see parts/detached.sh
#   origin, setup, environment, command, port, strict_port, idle_timeout, fallback_port, timeout
#                see jupyter/start.sh
#   scheduler, submit, job_script    see jobs/submit.sh
#   no_wait, queue_timeout    see jobs/await.sh
#   expose       see jupyter/arguments.sh
#   relay_program    see parts/relay.sh
#
# Each process costs a millisecond or two, so the steps of every start use only built-ins of the shell.

main() {
  go_to_directory "$directory" || fail directory "$path"
  hold_record
  joined=yes
  if record_lives "$folder"; then
    if [ -n "$record_job" ]; then
      job=$record_job
      [ -z "$again" ] || ask_for_another
      # The scheduler is about to start it again, on another node.
      [ -z "$state" ] || ! "${job%% *}_waits" "$state" || rm -f "$folder/announced" "$folder/booting"
      await_job
      return
    fi
    pid=$record_pid start_time=$record_start_time
    # If its launch was cut off before Jupyter was up, this one waits for it.
    socket=$record_socket
    [ -s "$folder/server.json" ] || { enter_environment; await_server; }
    start_relay "$folder"
  elif [ "$mode" = find ]; then
    report absent
    return
  else
    joined=no
    [ ! -f "$folder/record" ] || remove_record "$folder"
    if [ -n "$submit" ]; then
      submit_job keep_job
      await_job
      return
    fi
    enter_environment
    choose_command
    report phase jupyter
    start_server
    await_server
  fi
  if [ "$joined" = no ] && [ -z "$socket" ]; then
    IFS= read -r info <"$folder/server.json"
    case $info in *'"port": '"$port"[!0-9]*) ;; *) port_holder "$port" ;; esac
  fi
  finish "$joined"
}

undo() {
  undo_job
  undo_server
}

main
