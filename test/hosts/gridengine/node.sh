#!/bin/sh
# The first process of a host with Grid Engine: see host.sh.
#
#   node.sh FOLDER
#
# FOLDER has `shared`, with the folders of this machine that the host sees, one in a line; `hosts`; and what qconf(1) gets:
# `queue`, `slots` (a parallel environment) and `scheduler`. Makes `ready` in it when a job could start.
set -eu
# shellcheck source-path=SCRIPTDIR source=../shared-folders.sh
. "$(dirname "$0")/../shared-folders.sh"
folder=$1
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
NAME=gem
hostname "$NAME"
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/user /run/shared
install -d -o sgeadmin -m 755 /run/gridengine
see_only_shared "$folder/shared"
mount --bind "$folder/hosts" /etc/hosts
# What the packages have installed, as they have installed it.
for each in lib spool; do
  cp -a "/var/$each/gridengine" "/run/shared/$each"
  mount --bind "/run/shared/$each" "/var/$each/gridengine"
done
export SGE_ROOT=/var/lib/gridengine SGE_CELL=default
echo "$NAME" >$SGE_ROOT/default/common/act_qmaster
until [ -e "$folder/linked" ]; do sleep 0.05; done

as_admin() { setpriv --reuid=sgeadmin --regid=sgeadmin --clear-groups "$@"; }
retry() {
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || exit 1
    sleep 0.2
  done
}

sge_qmaster
retry as_admin qconf -ah "$NAME"
as_admin qconf -as "$NAME"
as_admin qconf -Msconf "$folder/scheduler"
as_admin qconf -Ap "$folder/slots"
sge_execd
as_admin qconf -Aq "$folder/queue"
is_ready() { qstat -f | grep -q 'main.q@.*[0-9] *$' && ! qstat -f | grep -q 'au\|-NA-'; }
retry is_ready
: >"$folder/ready"
# It waits for the processes that others have left, as the first process must.
while :; do
  sleep 3600 &
  wait $!
done
