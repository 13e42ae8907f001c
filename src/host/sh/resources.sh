# Reports how much of the host is in use, as far as the host shows it. Changes nothing.
#
#   directories   whose disks to report, one a line; relative ones start in the home folder

main() {
  report cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || grep -c '^processor' /proc/cpuinfo)"
  report load "$(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null || LC_ALL=C uptime 2>/dev/null | sed -e 's/.*load averages*: *//' -e 's/,/ /g')"
  report_memory
  # A dead file system or a broken driver must not delay the rest.
  report_disks &
  disks=$!
  report_gpus &
  for each in "$disks" $!; do
    each_start_time=$(start_time "$each")
    gone_within 3 "$each" "$each_start_time" || kill_tree "$each" "$each_start_time"
  done
}

# The memory that is available without swapping, caches included. Linux before 3.14 does not report MemAvailable.
report_memory() {
  if [ -r /proc/meminfo ]; then
    awk '
      { kB[$1] = $2 }
      END {
        free = "MemAvailable:" in kB ? kB["MemAvailable:"] : kB["MemFree:"] + kB["Buffers:"] + kB["Cached:"]
        print kB["MemTotal:"], free
      }' </proc/meminfo
  elif command -v vm_stat >/dev/null 2>&1; then
    LC_ALL=C vm_stat | awk -v total="$(sysctl -n hw.memsize)" '
      match($0, /page size of [0-9]+/) { size = substr($0, RSTART + 13, RLENGTH - 13) }
      /^Pages (free|inactive|speculative):/ { pages += $NF }
      END { printf "%.0f %.0f\n", total / 1024, pages * size / 1024 }'
  fi | while IFS= read -r line; do report memory "$line"; done
}

report_disks() {
  cd 2>/dev/null || :
  printf '%s\n' "$directories" | while IFS= read -r each; do
    expand_home "$each"
    room=$(room_at k "$path")
    [ -z "$room" ] || report disk "$room $each"
  done
}

# On WSL and in containers nvidia-smi is not on the PATH.
report_gpus() {
  PATH=$PATH:/usr/lib/wsl/lib:/usr/local/nvidia/bin
  command -v nvidia-smi >/dev/null 2>&1 || return 0
  nvidia-smi --query-gpu=name,utilization.gpu,memory.used,memory.total --format=csv,noheader,nounits 2>&1 |
    while IFS= read -r line; do report gpu "$line"; done
}

main
