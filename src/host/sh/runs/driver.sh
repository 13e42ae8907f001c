# The driver of a run: starts it in the environment of the run. A launcher runs its process.
#
#   notebook    its path on the host, relative to the directory; empty: it was uploaded

# Sets $its_folder to that of notebook $path on the host, in which it is executed.
find_its_folder() {
  case $path in */*) ;; *) path=./$path ;; esac
  its_folder=$(CDPATH='' cd "${path%/*}/" && pwd -P && echo .)
  its_folder=${its_folder%?.}
  [ -n "$its_folder" ] || fail directory "${path%/*}"
}

# Sets $here to the folder in which the notebook is executed, and enters it.
enter_its_folder() {
  [ -z "$its_folder" ] || here=$its_folder
  cd "$here" || fail directory "$here"
}

# For choose_venv: whether the environment in folder $1 can run kernels.
has_jupyter() { [ -x "$1/bin/python" ] && "$1/bin/python" -c 'import jupyter_client' 2>/dev/null; }

# Starts the driver in the Python of the environment, or else in the first one that has jupyter_client.
start_driver() {
  find_prefix
  if [ -n "$prefix" ]; then
    run_driver "$prefix/bin/python" || fail client "$prefix"
    return 0
  fi
  if look_up jupyter-lab jupyter-notebook jupyter && has_driver "$found"; then return 0; fi
  for each in python3 python; do
    if look_up "$each" && run_driver "$found"; then return 0; fi
  done
  if find_program jupyter-lab jupyter-notebook jupyter && has_driver "$found"; then return 0; fi
  fail client python3
}

# Whether the Python that runs program $1 runs the driver.
has_driver() { find_python "$1" && [ -n "$python" ] && run_driver "$python"; }

# Runs the driver in Python $1, and waits until it has read the notebook. Fails if that has no jupyter_client.
run_driver() {
  [ -x "$1" ] || return 1
  python=$1
  begin '' "$python" "$folder/driver.py" "$folder"
  until [ -s "$folder/events" ]; do
    if ! is_alive "$pid" "$start_time" && [ ! -s "$folder/events" ]; then
      wait "$child"
      [ $? != 97 ] || return 1
      report_log "$folder/log"
      fail driver "$python"
    fi
    heartbeat
    nap
  done
}

# The lines of the record that are known before the driver runs, and those that it adds.
keep_order() {
  keep environment "$environment"
  keep notebook "${notebook:-}"
}

keep_run() {
  keep_order
  keep python "$python"
  keep started "$(date +%s)"
  # A job ends with its node.
  [ -n "$job" ] || keep boot_id "$(boot_identity)"
}
