# Looks for what a server in a directory of the host could run in, so that its user can choose. Changes nothing there.
#
#   directory    where it is to work; empty: the home folder
#   environment  the one that is to be entered, behind `setup`, and then nothing is looked for; empty: all are
#   setup        lines of shell that come before it

main() {
  go_to_directory || fail directory "$path"
  report directory "$here"
  make_scratch
  if [ -n "$environment" ]; then
    enter_environment
    return
  fi
  for each in .venv venv; do report_venv "$each"; done
  for each in */ .[!.]*/; do
    each=${each%/}
    case $each in .venv | venv) ;; *) report_venv "$each" ;; esac
  done
  for each in uv poetry pixi; do report_project "$each"; done
  ! find_condas || report_condas
  find_program jupyter && report found "$found"
}

# A conda has a bin/activate as well, which is none of a venv.
report_venv() {
  if [ -r "$1/bin/activate" ] && [ ! -d "$1/conda-meta" ]; then report venv "$(readiness "$1")" "$1"; fi
}

# Which project a directory is, its lock file tells, or its part of pyproject.toml.
report_project() {
  if [ -f "$1.lock" ] || [ -f "$1.toml" ] || grep -q "^\[tool\.$1[].]" pyproject.toml 2>/dev/null; then report project ready "$1"; fi
}

# By the folders, since `conda env list` takes a second for each conda. Other prefixes stand in environments.txt.
report_condas() {
  {
    while IFS= read -r conda; do
      root=${conda%/*/*}
      [ "${conda##*/}" = micromamba ] || printf 'base %s\n' "$root"
      each_environment "$root"
    done <"$folder/condas"
    for root in "$(in_environment value_of MAMBA_ROOT_PREFIX)" "$HOME/micromamba" "$HOME/.local/share/mamba" "$HOME/.conda"; do
      [ -z "$root" ] || each_environment "$root"
    done
    [ ! -r "$HOME/.conda/environments.txt" ] || sed 's/^/path /' "$HOME/.conda/environments.txt"
  } | awk '!seen[substr($0, 6)]++' | while IFS= read -r line; do
    prefix=${line#* }
    [ ! -d "$prefix/conda-meta" ] || report conda "$(readiness "$prefix")" "$line"
  done
}

each_environment() { for each in "$1"/envs/*/; do printf 'name %s\n' "${each%/}"; done; }

readiness() { if [ -x "$1/bin/jupyter" ]; then echo ready; else echo bare; fi; }

main
exit 0
