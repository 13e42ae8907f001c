# Starts a run: a driver executes a notebook to its end, whatever happens to this session. Or submits a job that does it.
#
#   launch, from, name, directory    see parts/detached.sh; the name is that of the notebook
#   setup, environment, command      settings of the server, see parts/environment.sh
#   notebook    its path on the host, relative to the directory; empty: it was uploaded
#   size        of the uploaded notebook, in bytes
#   beside, sent, force    see files.sh
#   taken       names that the run must not have, between spaces
#   order       what the driver is asked, see driver.py
#   driver_program    its text
#   scheduler, submit, job_script    see jobs/submit.sh; empty: the driver runs on this node

main() {
  claim_run
  put_files || cannot_write "$folder"
  go_to_directory "$directory" || fail directory "$path"
  take_notebook
  note_absent
  if [ -n "$submit" ]; then
    place_files
    submit_job keep_order
    # It is on record: only a command of the user undoes it.
    answered=1
  else
    enter_environment
    enter_its_folder
    place_files
    report phase run
    start_driver
    refuse_unfit
    put_on_record keep_run
  fi
  find_run
  report_run
  answered=1
}

# Sets $folder to a new one, whose name is that of the run. Creating it is the claim: two runs cannot both succeed.
claim_run() {
  private_folder "$RUNS" || cannot_write "$RUNS"
  # An upload removes what it could not complete, unless its host has crashed.
  find "$RUNS/." ! -name . -prune -name '.?*' -mtime +1 -exec rm -f {} + 2>/dev/null
  number=1
  until is_free "$name-$number" && (umask 077 && mkdir "$RUNS/$name-$number") 2>/dev/null; do
    [ -d "$RUNS/$name-$number" ] || is_taken "$name-$number" || cannot_write "$RUNS"
    number=$((number + 1))
  done
  name=$name-$number run=$name folder=$RUNS/$name
  trap 'leave' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  report folder "$folder"
  (SERVERS=$RUNS && is_ours_alone "$folder") || fail open "$RUNS"
}

is_taken() { case " $taken " in *" $1 "*) return 0 ;; esac; return 1; }
is_free() { ! is_taken "$1" && [ ! -d "$RUNS/$1" ]; }

put_files() {
  (
    umask 077
    printf '%s\n' "$driver_program" >"$folder/driver.py" && printf '%s\n' "$order" >"$folder/order.json" && : >"$folder/text"
  ) 2>/dev/null
}

# Moves or copies the notebook to $folder. Sets $its_folder to that of a notebook on the host, in which it is executed.
take_notebook() {
  its_folder=''
  if [ -z "$notebook" ]; then
    mv "$RUNS/.$launch" "$folder/input.ipynb" 2>/dev/null || fail upload "$size"
    [ "$(($(wc -c <"$folder/input.ipynb")))" = "$size" ] || fail upload "$size"
    return 0
  fi
  expand_home "$notebook"
  if ! [ -f "$path" ] || ! [ -r "$path" ]; then fail notebook "$notebook"; fi
  (umask 077 && cat "$path" >"$folder/input.ipynb") 2>/dev/null || cannot_write "$folder"
  find_its_folder
}

# Fails if the driver has found that the notebook cannot be executed.
refuse_unfit() {
  IFS= read -r line <"$folder/events"
  case $line in *'"e": "end"'*) report run_event "$line"; fail unfit "$run" ;; esac
}

undo() {
  undo_job
  end_helper
  # The driver forgets them at its end.
  take_back_files && is_restored=yes
  end_launched
  # It may contain files of the user that could not be put back.
  [ -z "$is_restored" ] || rm -rf "$folder"
}

is_restored=''
main
