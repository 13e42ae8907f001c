#!/bin/sh
# A stand-in for quota: `quota -q` says nothing of who is within their limits, and has one line for each file system where
# they are not.
[ "$*" = -q ] || exit 2
echo 'Disk quotas for user me (uid 1000):'
echo '	Block limit reached on /home'
exit 1
