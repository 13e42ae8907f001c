# Takes back the files that a start has put into the directory: see files.sh.

# Removes the files and folders that were not there before, and puts back those that were. Fails if that is not possible.
take_back_files() {
  if [ -f "$folder/placed" ]; then
    while IFS= read -r each; do rm -f "$each"; done <"$folder/placed"
  fi
  if [ -f "$folder/made" ]; then
    # The innermost folder first.
    awk '{ line[NR] = $0 } END { for (n = NR; n > 0; n--) print line[n] }' "$folder/made" |
      while IFS= read -r each; do rmdir "$each" 2>/dev/null; done
  fi
  replaced=$folder/replaced
  [ -f "$replaced/names" ] || return 0
  IFS= read -r where <"$replaced/where"
  status=0
  while IFS= read -r each; do
    # The start and its undoing may do this at the same time.
    mv -f "$replaced/files/$each" "$where/$each" 2>/dev/null || ! ls -d "$replaced/files/$each" >/dev/null 2>&1 || status=1
  done <"$replaced/names"
  return "$status"
}
