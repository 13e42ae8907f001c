# Lists the folders whose paths begin with what the user has typed. Changes nothing.
#
#   directory    the beginning of a path: relative to the home folder, absolute, or starting with ~

main() {
  # shellcheck disable=SC2088
  [ "$directory" != '~' ] || directory='~/'
  begin=${directory##*/} above=${directory%"${directory##*/}"}
  go_to_directory "$above" || return
  count=0
  # A pattern without a match stays as it is.
  case $begin in .*) set -- .[!.]*/ ..?*/ ;; *) set -- */ ;; esac
  for each in "$@"; do
    case $each in "$begin"*) ;; *) continue ;; esac
    if [ -d "$each" ] && is_plain "$each"; then report path "$above$each"; fi
    count=$((count + 1))
    [ "$count" -lt 500 ] || return
  done
}

main
