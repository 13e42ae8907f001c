# Submits a server or a run as a job of a batch scheduler.
#
#   scheduler      the launcher; empty: no job is to be submitted
#   submit         shell code that submits a job which runs job.sh in $folder ($quoted for a shell), and prints its ID
#   job_script     the text of job.sh or runs/job.sh, with its variables

# Submits a job, and puts it on record, with the lines that function $1 adds. Sets $job.
submit_job() {
  report phase submit
  for tool in $(eval "echo \$${scheduler}_tools"); do
    command -v "$tool" >/dev/null || fail absent "$tool"
  done
  quote "$folder"
  pid=''
  (umask 077 && printf '%s' "$job_script" >"$folder/job.sh") 2>/dev/null || cannot_write "$folder"
  rm -f "$folder/announced" "$folder/booting" "$folder/ended" "$folder/oom" "$folder/log" "$folder/job.log"
  (: >"$folder/submitting") 2>/dev/null || cannot_write "$folder"
  # A signal could end the command of the scheduler when that has accepted the job, whose ID nobody would know then.
  trap '' HUP INT TERM PIPE
  submitted=$(eval "$submit" 2>"$folder/output") || refused
  # A site may print something before and after it, and a federation the name of the cluster in its line.
  id=$(printf '%s\n' "$submitted" | sed -n 's/^\([1-9][0-9]*\)\(;.*\)\{0,1\}$/\1/p' | tail -n 1)
  [ -n "$id" ] || refused
  job="$scheduler $id" pending=$id
  rm -f "$folder/output" "$folder/submitting"
  trap 'exit 1' HUP INT TERM PIPE
  put_on_record "$1"
  report submitted
  pending='' begun=''
}

refused() {
  report_log "$folder/output"
  # Without it, a job that was accepted nevertheless does nothing.
  rm -f "$folder/job.sh" "$folder/submitting"
  fail refused "$scheduler"
}

# Cancels a job that could not be put on record: nobody would find it.
undo_job() {
  [ -n "$pending" ] || return 0
  "${scheduler}_cancel" "$pending"
  rm -f "$folder/job.sh"
}

pending=''
