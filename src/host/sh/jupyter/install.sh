# Makes a venv with JupyterLab and ipykernel, or installs what is missing in one that exists. What it made is removed if it
# fails, or if its caller is gone.
#
#   directory, setup    as for a start
#   environment         the folder of the venv; empty: .venv or venv in the directory
#   requirements        not empty: also install what requirements.txt, or else pyproject.toml, in the directory names
#   proxy               the URL of an HTTP proxy that leads to the package index; empty: none

main() {
  go_to_directory "$directory" || fail directory "$path"
  make_scratch
  trap 'leave_install' EXIT
  [ -z "$setup" ] || run_setup
  choose_place
  lock_place
  find_requirements
  # uv has no file of settings with a proxy.
  if [ -n "$proxy" ]; then tool=''; else find_tool uv || tool=''; fi
  make_venv
  list_missing
  install_packages
  has_jupyter "$path" || fail install "$path"
  made=''
  [ -z "$missing$required" ] || report installed "$missing${required:+ $required} in $path"
}

leave_install() {
  trap '' HUP INT TERM PIPE
  [ -z "$step" ] || kill_tree "$step" "$step_start_time"
  [ -z "$made" ] || rm -rf "$made"
  [ -z "$locked" ] || release_lock "$lock"
  leave_scratch
}

# Sets $path to the folder of the venv: without an environment, that of the first one which a start would use.
choose_place() {
  if [ -z "$environment" ]; then
    environment=.venv
    for each in venv .venv; do [ ! -r "$each/bin/activate" ] || environment=$each; done
    for each in venv .venv; do ! has_jupyter "$each" || environment=$each; done
  fi
  expand_home "$environment"
  case $path in /*) ;; *) path=$here/${path#./} ;; esac
  is_plain "$path" || fail control "environment $path"
}

# Waits for another installation in this folder. No server has such a name.
lock_place() {
  checksum=$(printf '%s' "$path" | cksum)
  lock=$SERVERS/.install-${checksum%% *}
  take_lock "$lock"
  locked=yes
}

# Sets $required to the option and the file or folder by which pip and uv install what the directory asks for.
find_requirements() {
  required=''
  [ -n "$requirements" ] || return 0
  if [ -f requirements.txt ]; then
    required='-r requirements.txt'
  elif [ -f pyproject.toml ]; then
    required='-e .'
  else
    fail unrequired "$here"
  fi
}

# Makes the venv. One that works is left as it is, and one that an interruption left unfinished is completed.
make_venv() {
  if [ -r "$path/bin/activate" ] && "$path/bin/python" -I -c '' 2>/dev/null; then return 0; fi
  if [ -e "$path" ]; then
    { [ -f "$path/pyvenv.cfg" ] || { [ -d "$path" ] && [ -z "$(ls -A "$path")" ]; }; } || fail occupied "$path"
  else
    made=$path
    until [ -e "${made%/*}/" ]; do made=${made%/*}; done
  fi
  if [ -n "$tool" ]; then
    if [ -n "$made" ]; then run_step "$tool" venv "$path"; else run_step "$tool" venv --allow-existing "$path"; fi
  else
    python=$(in_environment 'command -v' python3) || { ask_login_shell && python=$(in_environment 'command -v' python3); } ||
      fail_tool python3 "$(in_environment value_of PATH)"
    # By itself, venv does not show why pip was not installed.
    run_step "$python" -m venv --without-pip "$path"
  fi || fail unmade "$path"
}

# Sets $missing to the packages that the venv needs.
list_missing() {
  missing=''
  has_jupyter "$path" || missing='jupyterlab'
  "$path/bin/python" -I -c 'import ipykernel' 2>/dev/null || missing="${missing:+$missing }ipykernel"
}

install_packages() {
  # shellcheck disable=SC2086
  set -- $missing $required
  if [ $# = 0 ]; then
    report note "JupyterLab and ipykernel are already installed in $path"
    return
  fi
  if [ -n "$tool" ]; then
    run_step "$tool" pip install --python "$path/bin/python" "$@"
  else
    has_pip || run_step "$path/bin/python" -m ensurepip || fail unmade "$path"
    [ -z "$proxy" ] || use_proxy
    run_step "$path/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off --retries 1 "$@"
  fi || {
    [ -n "$proxy" ] || report where "$(indexes)"
    fail install "$path"
  }
}

has_pip() { "$path/bin/python" -I -m pip --version >/dev/null 2>&1; }

# The URL contains a password, and everybody can read the arguments of a process: pip reads it from a private file. That
# replaces the user's own file, so it repeats the settings of that.
use_proxy() {
  (umask 077 && {
    printf '[global]\nproxy = %s\n' "$proxy"
    with_settings "$REPEAT_CODE"
  } >"$folder/pip.conf") 2>/dev/null || cannot_write "$folder"
  quote "$folder/pip.conf"
  adjust_environment "unset PIP_PROXY HTTP_PROXY http_proxy HTTPS_PROXY https_proxy ALL_PROXY all_proxy NO_PROXY no_proxy; export PIP_CONFIG_FILE=$quoted"
}

REPEAT_CODE='for name, value in settings("global", "install").items():
    if name != "proxy":
        print(name, "=", value.replace("\n", "\n "))'

# Prints the places from which pip gets its packages, so that the caller can lead it there.
indexes() {
  has_pip || "$path/bin/python" -m ensurepip >/dev/null 2>&1
  with_settings "$INDEXES_CODE"
}

INDEXES_CODE='values = settings("global", "install", ":env:")
own = "https://pypi.org/simple https://files.pythonhosted.org"
print(*values.get("index-url", own).split(), *values.get("extra-index-url", "").split())'

# Runs Python code that may ask for the settings of pip in some sections. The later section applies.
with_settings() {
  in_environment exec "$path/bin/python" -I -m pip config list 2>/dev/null |
    "$path/bin/python" -I -c "$SETTINGS_CODE$1" 2>/dev/null
}

# Each line is like: global.index-url='…'
SETTINGS_CODE='import ast, sys
lines = [line.rstrip("\n").partition("=") for line in sys.stdin]
def settings(*sections):
    found = {}
    for section in sections:
        for key, _, value in lines:
            if key.startswith(section + "."):
                found[key[len(section) + 1:]] = ast.literal_eval(value)
    return found
'

# Runs a command in the environment, and reports the lines that it prints.
run_step() {
  (in_environment exec "$@") </dev/null >"$folder/output" 2>&1 &
  step=$! reported=0
  step_start_time=$(start_time "$step")
  while is_alive "$step" "$step_start_time"; do
    report_progress
    report alive
    sleep 0.3 2>/dev/null || sleep 1
  done
  report_progress
  if wait "$step"; then step=''; return; fi
  step=''
  # The frames of a traceback, and the error about a subprocess, hide what that has printed before.
  sed -e '/^Traceback /,/^[^ ]/{/^ /d;/^Traceback /d;}' -e '/^subprocess\.CalledProcessError: /d' "$folder/output" >"$folder/lines"
  report_log "$folder/lines"
  return 1
}

report_progress() {
  tail -n "+$((reported + 1))" "$folder/output" >"$folder/lines"
  while IFS= read -r line; do
    reported=$((reported + 1))
    report progress "$line"
  done <"$folder/lines"
}

step='' made='' locked=''
main
