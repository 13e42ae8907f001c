#!/bin/sh
# Makes the file system of an image from this machine's own Debian packages: Jupyter, the Python that runs it, and little
# else. Its Python has a module that this machine's does not have.
#
#   file-system.sh FOLDER
set -eu
root=$1
mkdir -p "$root/usr" "$root/etc" "$root/proc" "$root/sys" "$root/dev" "$root/root"
mkdir -m 1777 "$root/tmp"
for each in bin sbin lib lib64; do
  mkdir "$root/usr/$each"
  ln -s "usr/$each" "$root/$each"
done
# shellcheck disable=SC2086
packages=$(
  apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
    jupyter-notebook jupyter-server python3-ipykernel dash coreutils libc-bin base-files | grep '^[a-z]' | grep -v -E '^(gdb|libicu|perl|pandoc)' | sort -u
)
# shellcheck disable=SC2086
dpkg -L $packages 2>/dev/null | sort -u | grep -v -E '^/(usr/share/(doc|man|locale|info)|var)/' |
  while IFS= read -r each; do
    if [ -h "$each" ] || [ -f "$each" ]; then printf '%s\n' "${each#/}"; fi
  done | tar -C / -cf - --no-recursion -T - | tar -C "$root" -xf - --keep-directory-symlink
echo 'WHERE = "in the image"' >"$root/usr/lib/python3/dist-packages/of_the_image.py"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
