(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i; }
_remote_notebook() {
  local output line
  local -a entries
  output=$(command remote-notebook completion --words "${(@Q)words[2,CURRENT]}" 2>/dev/null)
  if (( $? == 3 )); then
    # A path follows the name of a host.
    [[ -z $output ]] || compadd -S '' -- "${(@)${(@f)output}%%$'\t'*}"
    compset -P '--*='
    _files
    return
  fi
  for line in "${(@f)output}"; do
    entries+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  _describe remote-notebook entries
}
compdef _remote_notebook remote-notebook
