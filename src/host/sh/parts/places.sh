# Sets $path to $1 with the home folder for a leading ~. A path that begins with a dash must not look like an option.
expand_home() {
  path=$1
  # shellcheck disable=SC2088
  case $1 in
    '~' | '') path=$HOME ;;
    '~/'*) path=$HOME/${1#??} ;;
    -*) path=./$1 ;;
  esac
}

# Enters directory $1 of a server (empty: the home folder). Sets $path to it, and $here to its real path. It is relative
# to the home folder, even if a start-up file has gone elsewhere or has set CDPATH.
go_to_directory() {
  cd 2>/dev/null || :
  expand_home "$1"
  CDPATH='' cd "$path" 2>/dev/null || return
  here=$(pwd -P)
}

# Creates a folder that only this user can enter.
private_folder() { (umask 077 && mkdir -p "$1") 2>/dev/null; }

# Prints TOTAL FREE of the file system of path $2, in kilobytes for $1=k and inodes for i. Other columns may have spaces.
room_at() {
  df "-P$1" "$2" 2>/dev/null |
    awk 'NR == 2 { for (i = 4; i < NF; i++) if ($i ~ /%$/) { print $(i - 3), $(i - 1); exit } }'
}
