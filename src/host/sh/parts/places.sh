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
# to the home folder, even if a start-up file has gone elsewhere or has set CDPATH. $(…) would drop line breaks at the end.
go_to_directory() {
  cd 2>/dev/null || :
  expand_home "$1"
  CDPATH='' cd "$path" 2>/dev/null || return
  here=$(pwd -P && echo .)
  here=${here%?.}
  is_plain "$here" || fail control "directory $here"
}

# Whether two paths lead to one folder.
same_folder() {
  # shellcheck disable=SC2012
  [ -d "$1" ] && [ -d "$2" ] && [ "$(ls -Ldi "$1" | awk '{ print $1; exit }')" = "$(ls -Ldi "$2" | awk '{ print $1; exit }')" ]
}

# Creates a folder that only this user can enter. If it cannot, $trouble is the reason.
private_folder() { trouble=$(umask 077 && mkdir -p "$1" 2>&1); }

# Whether no other user except root can rename or remove what this user has in folder $1.
only_owner_renames() {
  case $(ls -ldn "$1") in d????????[tT]* | d????-??-*) ;; *) return 1 ;; esac
  # shellcheck disable=SC2012,SC2046
  set -- $(ls -ldn "$1")
  [ "$3" = 0 ] || [ "$3" = "$(id -u)" ]
}

# Prints TOTAL FREE of the file system of path $2, in kilobytes for $1=k and inodes for i. Other columns may have spaces.
room_at() {
  df "-P$1" "$2" 2>/dev/null |
    awk 'NR == 2 { for (i = 4; i < NF; i++) if ($i ~ /%$/) { print $(i - 3), $(i - 1); exit } }'
}
