#!/bin/sh
# A stand-in for quota: `quota -q` prints one line for each file system on which the user is over the limit.
[ "$*" = -q ] || exit 2
echo 'Disk quotas for user me (uid 1000):'
echo '	Block limit reached on /home'
exit 1
