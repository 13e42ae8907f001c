#!/bin/sh
# A stand-in for docker on machines without its daemon. It knows the commands and options of docker-run(1) that we use, and
# really runs the program: as root, in a mount namespace with a copy of $HOME/images/NAME that holds nothing else but what
# was bound. Its containers are in $HOME/containers. `$HOME/daemon` may contain the words with which it refuses.

refuse() {
  printf '%s\n' "$1" >&2
  exit "${2:-125}"
}

usage() { refuse "unknown flag: $1

Usage:  docker $command [OPTIONS]

Run 'docker $command --help' for more information"; }

[ ! -f "$HOME/daemon" ] || refuse "$(cat "$HOME/daemon")" 1
printf '%s\n' "$*" >>"$HOME/docker-calls"
command=$1
shift
case $command in
  image)
    if [ "$1" != inspect ] || [ "$2" != --format ]; then usage "$1"; fi
    [ -d "$HOME/images/$4" ] || refuse "Error response from daemon: No such image: $4" 1
    printf '%s\n' "$3"
    exit
    ;;
  rm)
    [ "$1" = --force ] || usage "$1"
    read -r pid <"$HOME/containers/$2" 2>/dev/null || refuse "Error response from daemon: No such container: $2" 1
    kill -KILL "$pid"
    rm -f "$HOME/containers/$2"
    exit
    ;;
  run) ;;
  *) refuse "docker: unknown command: docker $command" 1 ;;
esac

name='' entrypoint='' workdir=/ shares=''
binds=$(mktemp) variables=$(mktemp)
while :; do
  case $1 in
    --name=*) name=${1#*=} ;;
    --entrypoint=*) entrypoint=${1#*=} ;;
    --workdir=*) workdir=${1#*=} ;;
    --pid=host | --network=host | --ipc=host) shares="$shares $1" ;;
    --volume=*:*) printf '%s\n' "${1#*=}" >>"$binds" ;;
    --env=*=*) printf '%s\n' "${1#*=}" >>"$variables" ;;
    --env=*) ! value=$(printenv "${1#*=}") || printf '%s=%s\n' "${1#*=}" "$value" >>"$variables" ;;
    --rm | --pull=never | --log-driver=none | --security-opt=label=disable | --user=0:0 | --gpus=all) ;;
    -*) usage "$1" ;;
    *) break ;;
  esac
  shift
done
[ -d "$HOME/images/$1" ] || refuse "docker: Error response from daemon: No such image: $1"
image=$HOME/images/$1
shift
case $shares in *pid*network*) ;; *) refuse 'docker: this stand-in has no namespaces but that of the mounts' ;; esac
mkdir -p "$HOME/containers"
root=$(mktemp -d "$HOME/root-XXXXXX")
export image root binds variables entrypoint workdir
# shellcheck disable=SC2016
unshare --mount -- sh -c '
  mount -t tmpfs none "$root" && mkdir "$root/upper" "$root/work" "$root/all" &&
    mount -t overlay none -o "lowerdir=$image,upperdir=$root/upper,workdir=$root/work" "$root/all" || exit 125
  for each in proc dev; do mount --rbind "/$each" "$root/all/$each" || exit 125; done
  while IFS= read -r each; do
    mkdir -p "$root/all${each#*:}" && mount --bind "${each%:*}" "$root/all${each#*:}" || exit 125
  done <"$binds"
  set -- env -i PATH=/usr/bin:/bin "$entrypoint" "$@"
  while IFS= read -r each; do
    shift 2
    set -- env -i "$each" "$@"
  done <"$variables"
  exec chroot "$root/all" /usr/bin/env -C "$workdir" "$@"
' sh "$@" <"/dev/null" &
printf '%s\n' $! >"$HOME/containers/$name"
trap 'kill -TERM "$(cat "$HOME/containers/$name")"' TERM
while :; do
  wait $!
  status=$?
  kill -0 $! 2>/dev/null || break
done
rm -rf "$HOME/containers/$name" "$binds" "$variables" "$root"
exit "$status"
