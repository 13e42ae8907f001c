# What the first process of a batch job does, whether that is a server or a run. Its folder is in a home folder that the login
# node shares; what it reports goes to a file there.
#
#   scheduler    the launcher of the job

# Sets $folder to $1, and $job. At the end, leave_job is called.
begin_job() {
  folder=$1
  job="$scheduler $("${scheduler}_own")"
  # What Jupyter and its kernels create has the user's umask.
  its_umask=$(umask)
  umask 077
  # An earlier job of this server may not have ended yet.
  announced_part=$folder/announced-part-${job#* }
  exec >"$announced_part"
  umask "$its_umask"
  printf 'job %s\nbegun %s\n' "$job" "$(date +%s)"
  trap 'leave_job' EXIT
}

# The job may begin before the script that submits it has put it on record, or has undone that.
await_record() {
  deadline=$(($(date +%s) + 60))
  until is_record_of "$folder" "$job"; do
    if [ ! -f "$folder/job.sh" ] || [ "$(date +%s)" -gt "$deadline" ]; then fail unrecorded "$job"; fi
    sleep 0.2 2>/dev/null || sleep 1
  done
}

# Shows the login node, in one step, what was reported.
announce() {
  exec >/dev/null
  mv "$announced_part" "$folder/announced"
}

# Shows what was reported, which is in $reported, if that is a failure: the login node has to learn why.
announce_failure() {
  case $reported in
    *"$NEWLINE@remote-notebook failed "*)
      printf '%s\n' "$reported" >"$announced_part"
      announce
      ;;
  esac
}

# Shows that the job does nothing more: its scheduler may list it for some seconds.
note_end() { printf '%s\n' "$job" >"$folder/ended"; } 2>/dev/null
