# Folders of the host.

# Sets $path: $1 with a leading ~ made the home folder; one that begins with a dash is no option.
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

# TOTAL FREE of the file system of path $2, in kilobytes where $1 is k, in inodes where it is i. In the table of POSIX
# its name and the place of its mount may hold blanks.
room_at() {
  df "-P$1" "$2" 2>/dev/null |
    awk 'NR == 2 { for (i = 4; i < NF; i++) if ($i ~ /%$/) { print $(i - 3), $(i - 1); exit } }'
}
