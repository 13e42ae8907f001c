# Reports runs on this host, each with `run` as its last frame.
#
#   run    only this one; empty: all

report here "$(uname -n)"
if [ -n "$run" ]; then
  find_run
  report_run
else
  for each in "$RUNS"/*/record; do
    [ -f "$each" ] || continue
    each=${each%/record}
    run=${each##*/}
    find_run
    report_run
  done
fi
