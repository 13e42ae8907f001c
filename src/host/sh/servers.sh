# Reports each running server that has a record on this host, unless its launch is still in progress.
#
#   all   not empty: also every other Jupyter server of this user, see parts/runtime.sh

node=$(uname -n)
report here "$node"
for folder in "$SERVERS"/*/; do
  folder=${folder%/}
  if ! record_lives "$folder" || is_elsewhere || ! [ -s "$folder/server.json" ]; then continue; fi
  report folder "$folder"
  report_server "$folder" yes
done
[ -z "$all" ] || report_runtime_files
