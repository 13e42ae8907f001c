# shellcheck shell=sh
# Folders of the host.

# Sets $path: $1 with a leading ~ made the home folder; one that begins with a dash is no option.
# shellcheck disable=SC2034 # its callers read it
expand_home() {
  path=$1
  # shellcheck disable=SC2088
  case $1 in
    '~' | '') path=$HOME ;;
    '~/'*) path=$HOME/${1#??} ;;
    -*) path=./$1 ;;
  esac
}

# A folder that only this user can enter.
private_folder() { (umask 077 && mkdir -p "$1") 2>/dev/null; }

# Enters the server's $directory, and sets $here to its true path; $path is what it has tried.
# shellcheck disable=SC2034,SC2154 # its callers assign the one and read the other
go_to_directory() {
  # A start-up file of the login shell may have gone elsewhere.
  cd 2>/dev/null || :
  expand_home "$directory"
  # By CDPATH it could be a folder of the same name elsewhere.
  CDPATH='' cd "$path" 2>/dev/null || return
  here=$(pwd -P)
}
