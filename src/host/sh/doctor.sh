# Examines all that a start needs on the host, and changes nothing there.
#
#   name, directory, setup, environment, command, port, idle_timeout    settings of the server; empty: the default
#   fallback_port    see jupyter/arguments.sh
#   is_job    not empty: its server runs in a batch job, and nothing of it is run here
#
# Reports `checked` after each step, and stops at a failure: the remaining steps depend on it.

main() {
  report shell "${SHELL:-unknown}"
  report system "$(uname -srm)"
  report checked tools
  look_at_logind
  [ -z "$port" ] || port_holder "$port"
  report checked port
  go_to_directory "$directory" || fail directory "$path"
  report directory "$here"
  [ -w "$here" ] || report readonly "$here"
  report checked directory
  look_at_disk
  find_record "$name"
  if read_record "$record" && is_elsewhere; then
    report elsewhere "$record_node $(uname -n) $record"
  elif [ -s "$record/server.json" ] && record_lives "$record"; then
    report_server "$record" yes
    report runs "$record_pid"
  elif record_lives "$record" && [ -n "$record_job" ]; then
    report waits "${record_job#* }"
  elif [ -f "$record/record" ]; then
    report dead "$record"
  fi
  report checked server
  [ -z "$is_job" ] || return 0
  make_scratch
  enter_environment
  report checked environment
  choose_command
  [ -z "$container" ] || contain
  report command "$command"
  report prefix "$prefix"
  report python "$python"
  ask_jupyter
  report checked configuration
  ask_kernels
  report checked kernel
}

# Jupyter itself prints its configuration, which may be Python. A command that is not Jupyter's might start a server, and
# is not run. Jupyter would create files in its folders, so it gets others, which lead to the user's configuration.
ask_jupyter() {
  program=${command%% *}
  case ${program##*/} in jupyter*) ;; *) report checked jupyter; report unasked "$command"; return 0 ;; esac
  # The environment without the changes below, for ask_kernels.
  : >"$folder/before"
  [ -z "$entered" ] || cp "$entered" "$folder/before"
  mkdir "$folder/config"
  for each in "$(in_environment 'printf %s "${JUPYTER_CONFIG_DIR:-$HOME/.jupyter}"')"/*; do
    [ ! -e "$each" ] || ln -s "$each" "$folder/config/"
  done
  : >>"$folder/config/migrated"
  quote "$folder"
  adjust_environment "export JUPYTER_CONFIG_DIR=$quoted/config JUPYTER_DATA_DIR=$quoted/data JUPYTER_RUNTIME_DIR=$quoted/data/runtime"
  adjust_environment "export IPYTHONDIR=$quoted/ipython PYTHONDONTWRITEBYTECODE=1"
  report version "$(in_environment "$run --version" 2>/dev/null | tail -n 1)"
  report checked jupyter
  # Jupyter listens before it prints.
  strict_port=''
  choose_socket
  config=$(with_arguments in_environment "$run --show-config-json" 2>"$folder/errors" | tr -d '\n')
  report config "$config"
  remove_socket "$socket"
  sed -n 's/.*Exception while loading config file //p' "$folder/errors" | while IFS= read -r each; do
    report unread "${each#"$folder/config/"}"
  done
}

# Looks for kernels as the server would, with the configuration that Jupyter has printed.
ask_kernels() {
  [ -n "$python" ] && [ -n "$config" ] || return 0
  entered=$folder/before
  report kernels "$(printf '%s\n' "$config" | in_environment 'IPYTHONDIR=$1; export IPYTHONDIR; shift; "$@"' "$folder/ipython" "$python" -B -c "$KERNELS_CODE" 2>/dev/null)"
}

KERNELS_CODE='
import json, sys
from jupyter_client.kernelspec import KernelSpecManager
from traitlets.config import Config
settings = json.load(sys.stdin)
managers = ["AsyncMappingKernelManager", "MappingKernelManager", "AsyncMultiKernelManager", "MultiKernelManager"]
names = [settings.get(manager, {}).get("default_kernel_name") for manager in managers]
name = next(filter(None, names), "python3")
specs = KernelSpecManager(config=Config(settings)).get_all_specs()
print(json.dumps({"default": name, "kernelspecs": {name: specs[name]} if name in specs else {}}))
'

look_at_disk() {
  for each in "$here" "$HOME"; do
    free=$(room_at k "$each")
    [ -z "$free" ] || report free "${free#* } $each"
    inodes=$(room_at i "$each")
    [ -z "$inodes" ] || report inodes "${inodes#* } $each"
  done
  ! command -v quota >/dev/null 2>&1 || quota -q 2>/dev/null | while IFS= read -r line; do
    [ -z "$line" ] || report quota "$line"
  done
  report checked disk
}

# Whether systemd ends the user's processes after the last session; sd_booted(3) says how to know that it is running.
look_at_logind() {
  if command -v loginctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
    kills=$(busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager \
      KillUserProcesses 2>/dev/null)
    report logind "${kills#b }"
    [ ! -e "/var/lib/systemd/linger/$(id -un)" ] || report linger yes
  fi
  report checked logind
}

config=''
main
