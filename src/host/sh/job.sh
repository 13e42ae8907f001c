# The first process of a batch job: starts a server on a node, announces it in the folder of its record, which is in a home
# folder that the login node shares, and waits for its end. Its argument is that folder.
#
#   launch, from, name, directory    see parts/detached.sh
#   origin, setup, environment, command, port, strict_port, idle_timeout, fallback_port, timeout
#                see jupyter/start.sh
#   scheduler    the launcher of the job
#   expose       see jupyter/arguments.sh
#   relay_program    see parts/relay.sh

main() {
  begin_job "$1"
  # Warnings of the scheduler: it is about to end the job, or its time is nearly over, which the laptop knows, too.
  # The accounting of a scheduler shows the status of a process that a signal has ended.
  trap 'exit 143' HUP INT TERM USR2
  trap : USR1
  await_record
  # If the scheduler starts this job again, these are from before.
  rm -f "$folder/announced" "$folder/booting" "$folder/ended" "$folder/server.json" "$folder/runtime-folders"
  go_to_directory "$directory" || fail directory "$path"
  enter_environment
  choose_command
  use_own_runtime_folder
  start_server
  report_host_keys
  report node "$(uname -n)"
  announce_boot
  await_server
  ! find_state "$job" || [ -z "$state" ] || report queue "$(date +%s) $state"
  finish no
  announce
  remove_passing "$folder"
  while [ ! -f "$folder/next.sh" ] && is_alive "$pid" "$start_time"; do
    # One that a laptop started would end with the command that did it.
    relay_lives "$record_relay" || start_relay "$folder"
    note_kills
    sleep 1 &
    wait $!
  done
  [ ! -f "$folder/next.sh" ] || begin_another
}

# Only here is it known that a process of the job, such as a kernel of Jupyter, was out of memory.
note_kills() {
  kills=$(oom_kills $$)
  [ "$kills" != "$noted" ] || return 0
  noted=$kills
  { printf '%s\n' "$kills" >"$folder/oom"; } 2>/dev/null
}

# Ends the server, and becomes the first process of another one in the same job.
begin_another() {
  end_server
  rm -f "$folder/server.json" "$folder/runtime-folders"
  remove_passing "$folder"
  mv "$folder/next.sh" "$folder/job.sh" || return
  trap - EXIT
  exec /bin/sh "$folder/job.sh" "$folder"
}

end_server() {
  end_process "$pid" "$start_time" >/dev/null
  remove_socket "$socket"
  end_relay "$record_relay"
  [ -z "$own_runtime" ] || rm -rf "$own_runtime"
}

# In a home folder that many nodes share, the files of two servers may have the same PID in their names.
use_own_runtime_folder() {
  # That of a container belongs to its server.
  [ -z "$container" ] || return 0
  own_runtime=$(mktemp -d "${TMPDIR:-/tmp}/remote-notebook-XXXXXX") || return 0
  quote "$own_runtime"
  adjust_environment "export JUPYTER_RUNTIME_DIR=$quoted"
}

# With these, the laptop recognizes the sshd of this node.
report_host_keys() {
  for each in /etc/ssh/ssh_host_*_key.pub; do
    { read -r key_type key _ <"$each"; } 2>/dev/null || continue
    case $key_type$key in *[!A-Za-z0-9+/=@._-]*) continue ;; esac
    report host_key "$key_type $key"
  done
}

# Shows the login node where the server is about to listen, so that the way there is found meanwhile.
announce_boot() {
  ! cp "$announced_part" "$folder/booting-part" || mv "$folder/booting-part" "$folder/booting"
} 2>/dev/null

leave_job() {
  trap '' HUP INT TERM USR1 USR2
  if [ -n "$answered" ]; then
    # A scheduler that starts the job again may take another node.
    ! is_record_of "$folder" "$job" || rm -f "$folder/announced" "$folder/booting"
    end_server
  elif is_record_of "$folder" "$job"; then
    # The record is removed with what it names, and the login node has to learn why.
    reported=$(cat "$announced_part")
    undo_server
    announce_failure
  else
    end_launched
  fi
  rm -f "$announced_part"
  ! is_record_of "$folder" "$job" || remove_passing "$folder"
  [ -z "$own_runtime" ] || rm -rf "$own_runtime"
  note_end
}

own_runtime='' noted=''
main "$@"
