# What the kernel of Linux has counted about memory: cgroups(7), of version 1 or 2.

# Prints how many processes of the cgroup of process $1 were killed since it was out of memory; nothing if that is unknown.
oom_kills() {
  oom_events=''
  while IFS=: read -r _ controllers place; do
    case ,$controllers, in
      *,memory,*) [ "$place" = / ] || oom_events=/sys/fs/cgroup/memory$place/memory.oom_control ;;
      ,,) [ -n "$oom_events" ] || oom_events=/sys/fs/cgroup$place/memory.events ;;
    esac
  done <"/proc/$1/cgroup"
  while read -r counter count; do
    [ "$counter" != oom_kill ] || printf '%s\n' "$count"
  done <"$oom_events"
} 2>/dev/null
