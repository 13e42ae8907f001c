_remote_notebook() {
  local lines line files word=${COMP_WORDS[COMP_CWORD]}
  [ "$word" != = ] || word=
  COMPREPLY=()
  lines=$(command remote-notebook completion --words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ $? -eq 3 ]; then
    files=$(compgen -f -- "$word")
    # A path follows the name of a host.
    if [ -n "$files" ]; then compopt -o filenames; else compopt -o nospace; fi 2>/dev/null
    lines=$lines$'\n'$files
  fi
  while IFS= read -r line; do
    line=${line%%$'\t'*}
    case $line in
      '') ;;
      "$word"*) COMPREPLY+=("$line") ;;
    esac
  done <<<"$lines"
}
complete -F _remote_notebook remote-notebook
