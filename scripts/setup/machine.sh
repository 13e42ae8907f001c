#!/bin/sh
# Installs missing programs as root on Debian or Ubuntu, and prints the command for it elsewhere. When nothing is missing
# it does nothing.
#
#   machine.sh check|demo|demo-cluster|bench|test|test-all|wheel|executable|release
set -eu
PATH=$PATH:/usr/sbin:/sbin

needs_cluster() {
  echo slurmctld:slurmctld slurmd:slurmd sbatch:slurm-client munged:munge adopt:libpam-slurm-adopt
}

# Programs with their Debian packages.
needs() {
  case $1 in
    check) echo git:git shellcheck:shellcheck mypy:mypy ;;
    wheel) ;;
    executable | release) echo strip:binutils xz:xz-utils ;;
    demo) echo ssh:openssh-client sshd:openssh-server jupyter:jupyter-notebook ps:procps ;;
    demo-cluster)
      needs demo
      echo ip:iproute2
      needs_cluster
      ;;
    bench)
      needs demo
      echo autossh:autossh ip:iproute2
      needs_cluster
      ;;
    test)
      needs check
      needs bench
      echo bash:bash zsh:zsh fish:fish tcsh:tcsh busybox:busybox venv:python3-venv
      echo chromium:chromium tmux:tmux mandoc:mandoc ss:iproute2 lsof:lsof
      echo poetry:python3-poetry modules:lmod openssl:openssl jupyter-server:jupyter-server
      ;;
    test-all)
      needs test
      needs release
      echo sge_qmaster:gridengine-master sge_execd:gridengine-exec qconf:gridengine-client
      # Debian's podman with runc needs no systemd.
      echo podman:podman runc:runc
      # Node 26 needs libatomic.
      echo atomic:libatomic1 debootstrap:debootstrap wget:wget jupyter-nbclassic:python3-nbclassic
      ;;
    *)
      echo "usage: machine.sh check|demo|demo-cluster|bench|test|test-all|wheel|executable|release" >&2
      exit 2
      ;;
  esac
}

is_there() {
  case $1 in
    jupyter) is_there jupyter-lab || is_there jupyter-notebook ;;
    atomic) [ "$(uname)" != Linux ] || ldconfig -p | grep -F libatomic.so.1 ;;
    adopt) test -e /lib/security/pam_slurm_adopt.so || test -e /usr/lib/security/pam_slurm_adopt.so ;;
    modules) test -r /usr/share/lmod/lmod/init/sh || test -r /usr/share/modules/init/sh ;;
    # The system's Jupyter uses the system's Python, not another one on the PATH.
    venv) /usr/bin/python3 -c 'import ensurepip' ;;
    *) command -v "$1" ;;
  esac >/dev/null 2>&1
}

missing=''
needs=$(needs "$1")
for need in $needs; do
  is_there "${need%%:*}" || missing="$missing ${need#*:}"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if ! command -v apt-get >/dev/null 2>&1; then
  if command -v brew >/dev/null 2>&1; then
    echo "Missing programs:$missing. Try: brew install$(echo "$missing" | sed 's/jupyter-notebook/jupyterlab/')" >&2
  else
    echo "Missing programs (names of Debian packages):$missing" >&2
    echo 'To install Jupyter: uv tool install jupyterlab, or pipx install jupyterlab' >&2
  fi
elif [ "$(id -u)" != 0 ]; then
  echo "Missing programs. To install them: sudo apt-get update && sudo $install" >&2
else
  echo "Installing (these stay installed):$missing" >&2
  case $missing in
    *openssh-server*) echo 'openssh-server starts an sshd on port 22, now and at each boot: this is turned off again.' >&2 ;;
  esac
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  # The status of a pipe is that of its end.
  {
    # shellcheck disable=SC2086
    { apt-get update && $install -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0; } </dev/null 2>&1 || echo 'apt-get failed'
  } | while IFS= read -r line; do
    printf '%s\n' "$line" >>"$log"
    case $line in 'Get:'* | 'Unpacking '* | 'Setting up '*) printf '  %s\n' "$line" >&2 ;; esac
  done
  if [ "$(tail -n 1 "$log")" = 'apt-get failed' ]; then
    cat "$log" >&2
    echo "The installation failed. Run it by hand: apt-get update && $install" >&2
  fi
  rm -f "$log"
  case $missing in
    *openssh-server*)
      for unit in ssh.socket ssh.service; do systemctl disable --now "$unit" >/dev/null 2>&1 || :; done
      if systemctl is-active --quiet ssh.service 2>/dev/null; then
        echo 'The sshd on port 22 could not be turned off. Try it by hand: systemctl disable --now ssh' >&2
      fi
      ;;
  esac
  case $missing in
    # The tests start these by themselves, or do not need them.
    *munge* | *slurm* | *gridengine* | *podman*)
      services='munge slurmctld slurmd gridengine-master gridengine-exec podman podman-restart'
      for unit in $services podman.socket podman-auto-update.timer; do
        systemctl disable --now "$unit" >/dev/null 2>&1 || :
      done
      ;;
  esac
fi
