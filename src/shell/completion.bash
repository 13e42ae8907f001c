_remote_notebook() {
  local lines line word=${COMP_WORDS[COMP_CWORD]}
  [ "$word" != = ] || word=
  COMPREPLY=()
  lines=$(command remote-notebook completion --words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ $? -eq 3 ]; then
    compopt -o filenames 2>/dev/null
    lines=$(compgen -f -- "$word")
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
