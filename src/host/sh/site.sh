# Reports each batch scheduler that this host has, and its partitions. Changes nothing.
#
#   schedulers    the launchers to look for
#   rehearsal     shell code that asks the last of them whether it would accept a job, or nothing

main() {
  for scheduler in $schedulers; do
    is_installed || continue
    report scheduler "$scheduler"
    list=$("${scheduler}_partitions" 2>&1) || { report unanswered "$(printf '%s\n' "$list" | tail -n 1)"; continue; }
    printf '%s\n' "$list" | while IFS= read -r line; do report partition "$line"; done
    [ -z "$rehearsal" ] || rehearse
  done
}

rehearse() {
  if words=$(eval "$rehearsal" 2>&1); then report accepted "$(in_one_line "$words")"; else report declined "$(in_one_line "$words")"; fi
}

in_one_line() { printf '%s' "$1" | tr '\n' ' '; }

is_installed() {
  for tool in $(eval "echo \$${scheduler}_tools"); do
    command -v "$tool" >/dev/null || return
  done
}

main
