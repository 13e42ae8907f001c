# Tells of each server that was started from here or elsewhere, that has a record on this host, and lives.
#
#   all   not empty: also of every other Jupyter server of this user, see runtime.sh
#
# One whose launch is still under way is left out.

node=$(uname -n)
report here "$node"
for folder in "$SERVERS"/*/; do
  folder=${folder%/}
  if ! record_lives "$folder" || is_elsewhere || ! [ -s "$folder/server.json" ]; then continue; fi
  report folder "$folder"
  report_server "$folder"
  report joined yes
done
[ -z "$all" ] || report_runtime_files
exit 0
