#!/bin/sh
# Makes a Debian 13 with an sshd and its Jupyter, for root on a Debian or what is made of it.
#
#   make.sh ROOT MIRROR
#
# ROOT is there once it is whole, and is left as it is then. Its parent's lock is held by the caller, so that two tests
# make one. This is run in mount and process namespaces of its own, with which its mounts and all that it started end.
set -eu
root=$1 mirror=$2
[ ! -d "$root" ] || exit 0

# What was interrupted, and what an earlier recipe made, unless a test has it in use.
for old in "${root%-*}"-*; do
  [ ! -d "$old" ] || flock --nonblock "$old" rm -rf "$old" || :
done

part=$root.part
debootstrap --variant=minbase trixie "$part" "$mirror"
mount -t proc proc "$part/proc"
for folder in doc man locale; do
  echo "path-exclude=/usr/share/$folder/*"
done >"$part/etc/dpkg/dpkg.cfg.d/small"
# A machine that crashes while this is made begins anew.
echo force-unsafe-io >"$part/etc/dpkg/dpkg.cfg.d/quick"
printf '#!/bin/sh\nexit 101\n' >"$part/usr/sbin/policy-rc.d"
chmod 755 "$part/usr/sbin/policy-rc.d"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
chroot "$part" apt-get update
chroot "$part" apt-get install -y --no-install-recommends \
  openssh-server systemd-standalone-sysusers procps iproute2 jupyterlab jupyter-notebook python3-ipykernel
chroot "$part" apt-get clean
# What Debian builds JupyterLab's pages from: most of all there is, and nothing leads there.
rm -rf "$part/usr/share/nodejs"
umount "$part/proc"
mv "$part" "$root"
