# shellcheck shell=sh
# For the first process of a machine in namespaces of this one.

# Gives the machine temporary files of its own. Of this machine's, it sees the folders in file $1, one in a line: they are
# mostly among those.
see_only_shared() {
  count=0
  while read -r each; do
    count=$((count + 1))
    mkdir "/run/shared/$count"
    mount --bind "$each" "/run/shared/$count"
  done <"$1"
  list=$(cat "$1")
  for each in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o mode=1777 tmpfs "$each"; done
  count=0
  while read -r each; do
    count=$((count + 1))
    mkdir -p "$each"
    mount --bind "/run/shared/$count" "$each"
  done <<END
$list
END
}
