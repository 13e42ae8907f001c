#!/bin/sh
# A stand-in for apptainer. It knows the commands and options of its manual that we use, and really runs the program: as
# root, in a mount namespace with a copy of the folder IMAGE that holds nothing else but what was bound, as where the
# administrators have turned off the folders that apptainer binds by itself. Its words are those of apptainer 1.3.

fatal() {
  printf 'FATAL:   %s\n' "$1" >&2
  exit 255
}

printf '%s\n' "$*" >>"$HOME/apptainer-calls"
command=$1
shift
case $command in
  inspect)
    [ -e "$1" ] || fatal "Failed to open image $1: stat $1: no such file or directory"
    exit
    ;;
  exec) ;;
  *) fatal "unknown command \"$command\" for \"apptainer\"" ;;
esac

workdir=/
binds=$(mktemp)
while :; do
  case $1 in
    --pwd=*) workdir=${1#*=} ;;
    --bind=*) printf '%s\n' "${1#*=}" >>"$binds" ;;
    --nv) ;;
    -*) fatal "unknown flag: $1" ;;
    *) break ;;
  esac
  shift
done
[ -e "$1" ] || fatal "could not open image $1: failed to retrieve path for $1: lstat $1: no such file or directory"
image=$1
shift
root=$(mktemp -d "$HOME/root-XXXXXX")
export image root binds workdir
# shellcheck disable=SC2016
exec unshare --mount -- sh -c '
  mount -t tmpfs none "$root" && mkdir "$root/upper" "$root/work" "$root/all" &&
    mount -t overlay none -o "lowerdir=$image,upperdir=$root/upper,workdir=$root/work" "$root/all" || exit 255
  for each in proc dev; do mount --rbind "/$each" "$root/all/$each" || exit 255; done
  while IFS= read -r each; do
    mkdir -p "$root/all${each#*:}" && mount --bind "${each%:*}" "$root/all${each#*:}" || exit 255
  done <"$binds"
  rm -f "$binds"
  exec chroot "$root/all" /usr/bin/env -C "$workdir" PATH=/usr/bin:/bin "$@"
' sh "$@"
