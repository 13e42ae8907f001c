#!/bin/sh
# Installs missing programs as root on Debian or Ubuntu, and prints the command for it elsewhere. When nothing is missing
# it does nothing.
#
#   machine.sh check|demo|bench|test|test-all
set -eu
PATH=$PATH:/usr/sbin:/sbin

# Programs with their Debian packages.
needs() {
  case $1 in
    check) echo git:git shellcheck:shellcheck ;;
    demo) echo ssh:openssh-client sshd:openssh-server jupyter:jupyter-notebook ps:procps ;;
    bench)
      needs demo
      echo autossh:autossh ip:iproute2
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
      # Node 26 needs libatomic.
      echo atomic:libatomic1 debootstrap:debootstrap wget:wget jupyter-nbclassic:python3-nbclassic
      ;;
    *)
      echo "usage: machine.sh check|demo|bench|test|test-all" >&2
      exit 2
      ;;
  esac
}

is_there() {
  case $1 in
    jupyter) is_there jupyter-lab || is_there jupyter-notebook ;;
    atomic) [ "$(uname)" != Linux ] || ldconfig -p | grep -F libatomic.so.1 ;;
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
    echo 'To install Jupyter: python3 -m pip install --user jupyterlab' >&2
  fi
elif [ "$(id -u)" != 0 ]; then
  echo "Missing programs. To install them: sudo apt-get update && sudo $install" >&2
else
  echo "Installing:$missing" >&2
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  # shellcheck disable=SC2086
  if ! { apt-get update && $install -o DPkg::Lock::Timeout=300; } >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    echo "The installation failed. Try it by hand: apt-get update && $install" >&2
  fi
  rm -f "$log"
  case $missing in
    *openssh-server*) echo "Debian's openssh-server also starts an sshd on port 22; to stop it: systemctl disable --now ssh" >&2 ;;
  esac
fi
