# Searches for environments in which a server in this directory could run, so that the user can choose one. Changes nothing.
#
#   directory    where the server would run; empty: the home folder
#   environment  an environment to enter instead of searching; empty: search
#   setup        shell commands to run before that

main() {
  go_to_directory "$directory" || fail directory "$path"
  report directory "$here"
  make_scratch
  if [ -n "$environment" ]; then
    enter_environment
    return
  fi
  for each in .venv venv */ .[!.]*/; do report_venv "${each%/}" "${each%/}"; done
  report_venvs_at_home
  for each in uv poetry pixi; do report_project "$each"; done
  ! find_condas || report_condas
  find_interface && report found "$found"
}

# Reports folder $1 as $2, if it is a venv. An environment of conda has a bin/activate as well.
report_venv() {
  if [ -r "$1/bin/activate" ] && [ ! -d "$1/conda-meta" ] && is_plain "$1"; then report venv "$(readiness "$1")" "$2"; fi
}

# Reports the venvs in the places where people and tools keep venvs that belong to no directory.
report_venvs_at_home() {
  [ "$here" = "$(cd "$HOME" && pwd -P)" ] || for each in "$HOME"/.venv "$HOME"/venv "$HOME"/env; do report_at_home "$each"; done
  for each in "$HOME"/envs/*/ "$HOME"/venvs/*/ "$HOME"/.venvs/*/ "$HOME"/.virtualenvs/*/ "$HOME"/.pyenv/versions/*/; do
    report_at_home "${each%/}"
  done
  workon=$(in_environment value_of WORKON_HOME)
  [ -z "$workon" ] || for each in "$workon"/*/; do report_venv "${each%/}" "${each%/}"; done
}

# shellcheck disable=SC2088
report_at_home() { report_venv "$1" "~/${1#"$HOME"/}"; }

# A lock file, a configuration file or a section of pyproject.toml shows the kind of project.
report_project() {
  if [ -f "$1.lock" ] || [ -f "$1.toml" ] || grep -q "^\[tool\.$1[].]" pyproject.toml 2>/dev/null; then report project ready "$1"; fi
}

# Reads folders, since `conda env list` takes a second for each conda. environments.txt lists the prefixes elsewhere.
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

each_environment() { for each in "$1"/envs/*/; do ! is_plain "$each" || printf 'name %s\n' "${each%/}"; done; }

readiness() { if has_jupyter "$1"; then echo ready; else echo bare; fi; }

main
