# A server by what its user calls it.
#
#   name
#   directory   where it works; empty: the home folder

# Enters the server's $directory, and sets $here to its true path; $path is what it has tried.
go_to_directory() {
  # A start-up file of the login shell may have gone elsewhere.
  cd 2>/dev/null || :
  expand_home "$directory"
  # By CDPATH it could be a folder of the same name elsewhere.
  CDPATH='' cd "$path" 2>/dev/null || return
  here=$(pwd -P)
}

# Sets $record to the folder for the record of server $name in directory $here.
find_record() {
  checksum=$(cksum <<END
$here
END
  )
  record=$SERVERS/$name-${checksum%% *}
}
