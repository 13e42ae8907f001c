# The launcher that runs a server in a job of Grid Engine: see jobs/states.sh, and src/launchers/gridengine.ts for its words.

gridengine_tools='qsub qstat qdel qconf'

# Prints a line ID|STATE|REASON|QUEUE@NODE|LEFT for each job of this user that has not ended: the reason for which it could
# not be started, and the seconds that are left of its h_rt. Its times have no time zone.
gridengine_states() {
  gridengine_list=$(qstat -u "$(id -un)" -r -xml) || return
  printf '%s\n' "$gridengine_list" | tr -d '\n' | sed 's/<job_list /\
&/g' | awk -v now="$(date +%Y-%m-%dT%H:%M:%S)" '
    function field(name) {
      if (!match($0, "<" name "( [^>]*)?>[^<]*")) return ""
      text = substr($0, RSTART, RLENGTH)
      sub(/^[^>]*>/, "", text)
      return text
    }
    # The seconds since a day long ago.
    function seconds(time, part) {
      if (split(time, part, /[-T:]/) < 6) return 0
      year = part[1] - (part[2] < 3)
      days = int(year * 365.25) - int(year / 100) + int(year / 400) + int(30.6 * ((part[2] + 9) % 12) + 0.5) + part[3]
      return ((days * 24 + part[4]) * 60 + part[5]) * 60 + part[6]
    }
    /<JB_job_number>/ {
      start = field("JAT_start_time")
      limit = match($0, /<hard_request name="h_rt"[^>]*>[0-9]+/) ? substr($0, RSTART, RLENGTH) : ""
      sub(/^.*>/, "", limit)
      left = (start == "" || limit == "") ? "" : limit - seconds(now) + seconds(start)
      print field("JB_job_number") "|" field("state") "||" field("queue_name") "|" left
    }' | while IFS= read -r line; do
      case $line in *'|E'*) gridengine_why "$line" ;; *) printf '%s\n' "$line" ;; esac
    done
}

# Prints line $1 of a job in an error, with the reason.
gridengine_why() {
  reason=$(qstat -j "${1%%|*}" 2>/dev/null | sed -n 's/^error reason *[0-9]*: *//p' | head -n 1 | tr '|' ' ')
  printf '%s\n' "$1" | sed "s/||/|$(printf '%s' "$reason" | sed 's/[\\/&]/\\&/g')|/"
}

# Prints a line QUEUE|FREE|TOTAL|LIMIT for each queue, in slots. Those that are closed, or in an error, are not in TOTAL.
gridengine_partitions() {
  gridengine_queues=$(qstat -g c) || return
  printf '%s\n' "$gridengine_queues" | awk 'NR > 2 { print $1, $5, $6 - $7 - $8 }' | while read -r queue free total; do
    printf '%s|%s|%s|%s\n' "$queue" "$free" "$total" "$(qconf -sq "$queue" | awk '$1 == "h_rt" { print $2 }')"
  done
}

gridengine_ends() { case $1 in *'|d'*'|'*) ;; *) return 1 ;; esac; }

gridengine_waits() { case $1 in *'|'*q*'|'*'|'*) ;; *) return 1 ;; esac; }

# Prints FAILED EXIT of job $1, which has ended, or nothing: accounting(5) comes some seconds later. qacct would read all
# of it, which may be years.
gridengine_end() {
  tail -n 1000 "${SGE_ROOT:-/var/lib/gridengine}/${SGE_CELL:-default}/common/accounting" 2>/dev/null |
    awk -F: -v id="$1" '$6 == id { end = $12 " " $13 } END { if (end) print end }'
}

# Prints path $1 as -o takes it, where these characters mean something, and cannot be quoted.
gridengine_path() { case $1 in *[:,\$]*) echo /dev/null ;; *) printf '%s\n' "$1" ;; esac; }

gridengine_cancel() { qdel "$1"; }

# With -notify, a job that is cancelled gets a signal first.
gridengine_interrupt() { qdel "$1"; }

gridengine_own() { printf '%s\n' "$JOB_ID"; }
