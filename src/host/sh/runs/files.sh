# The files that a notebook needs from the folder in which it was on the other machine.
#
#   beside    names of files that it seems to need, in lines
#   sent      not empty: files were uploaded, in an archive
#   force     not empty: also replace files that somebody has changed here

# A line for each file that was sent: its checksum, size and path. A file that still has them may be replaced.
SENT=$RUNS/sent

# Names what the notebook seems to need, and directory $here does not contain.
note_absent() {
  absent=''
  while IFS= read -r each; do
    [ -z "$each" ] || [ -e "$here/$each" ] || absent="$absent${absent:+, }$each"
  done <<END
$beside
END
  [ -z "$absent" ] || report note "the notebook seems to need $absent, which the directory here does not contain: send it with --with"
}

# Puts the files into directory $here, or fails before it has changed anything there.
place_files() {
  [ -n "$sent" ] || return 0
  staged=$folder/sent
  (umask 077 && mkdir "$staged") 2>/dev/null || cannot_write "$folder"
  trouble=$(tar -xof "$RUNS/.$launch.tar" -C "$staged" 2>&1) || { report log "$trouble"; fail unpack "$folder"; }
  rm -f "$RUNS/.$launch.tar"
  odd=$(cd "$staged" && find . -name '*[[:cntrl:]]*')
  [ -z "$odd" ] || fail names "$odd"
  (cd "$staged" && find . -type f) >"$folder/names" 2>/dev/null || cannot_write "$folder"
  [ -n "$force" ] || refuse_changed
  while IFS= read -r each; do
    put_file "${each#./}" || cannot_write "$here"
    heartbeat
  done <"$folder/names"
  rm -rf "$staged" "$folder/names"
}

sum_of() { cksum <"$1"; }

# Fails if a file in $here differs from that to be sent, and was changed since it was sent before, or was never sent.
refuse_changed() {
  changed=''
  while IFS= read -r each; do
    each=${each#./}
    is_there "$here/$each" || continue
    if [ -f "$here/$each" ] && sum=$(sum_of "$here/$each" 2>/dev/null); then
      [ "$sum" != "$(sum_of "$staged/$each")" ] || continue
      ! grep -qxF "$sum $here/$each" "$SENT" 2>/dev/null || continue
    fi
    changed="$changed${changed:+, }$each"
  done <"$folder/names"
  [ -z "$changed" ] || fail changed "$changed"
}

# Moves file $1 to $here.
put_file() {
  target=$here/$1
  make_folder "${target%/*}" || return
  if is_there "$target"; then keep_replaced "$1"; else printf '%s\n' "$target" >>"$folder/placed"; fi || return
  mv -f "$staged/$1" "$target" 2>/dev/null && (umask 077 && printf '%s %s\n' "$(sum_of "$target")" "$target" >>"$SENT") 2>/dev/null
}

# Makes folder $1, and those in which it is.
make_folder() {
  [ ! -d "$1" ] || return 0
  make_folder "${1%/*}" && mkdir "$1" 2>/dev/null && printf '%s\n' "$1" >>"$folder/made"
}

# Whether there is a file $1, also a link that leads nowhere.
is_there() { [ -e "$1" ] || [ -h "$1" ]; }

# Keeps file $1 of $here until the run has ended: as another name of the file where that is possible, which needs no room.
keep_replaced() {
  replaced=$folder/replaced kept=$folder/replaced/files/$1
  (umask 077 && mkdir -p "${kept%/*}" && printf '%s\n' "$here" >"$replaced/where") 2>/dev/null || return
  if [ -h "$here/$1" ]; then
    cp -RP "$here/$1" "$kept"
  else
    ln "$here/$1" "$kept" || cp -p "$here/$1" "$kept"
  fi 2>/dev/null && printf '%s\n' "$1" >>"$replaced/names"
}
