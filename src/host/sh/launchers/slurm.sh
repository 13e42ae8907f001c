# The launcher that runs a server in a job of Slurm: see jobs/states.sh, and src/launchers/slurm.ts for its words.

slurm_tools='sbatch squeue scontrol scancel'

# Unsets the variables with which a user changes what Slurm's commands do: they could hide a job, or change it. A subshell
# keeps them for the rest.
slurm_forget() {
  for name in $(env | grep -E '^(SALLOC|SBATCH|SCANCEL|SINFO|SLURM|SQUEUE|SRUN)_[A-Z0-9_]+=' | grep -vE '^(SLURM_CONF|SLURM_JWT|SBATCH_ACCOUNT)=' | cut -d= -f1); do
    unset "$name"
  done
}

# Prints a line ID|STATE|REASON|START|NODE|LEFT for each job of this user that has not ended. Not for one ID: squeue fails
# for one that it does not know any more. Times are in seconds since 1970.
slurm_states() { (slurm_forget; SLURM_TIME_FORMAT=%s squeue --me --noheader --format='%i|%T|%r|%S|%N|%L'); }

# Prints a line NAME|AVAIL|TIMELIMIT|NODES|CPUS|MEMORY|GRES for each partition that this user may use.
slurm_partitions() { (slurm_forget; sinfo --noheader --format='%P|%a|%l|%F|%c|%m|%G'); }

# Whether the job of line $1 has ended, although processes of it may still have to be killed.
slurm_ends() { case $1 in *'|COMPLETING|'*) ;; *) return 1 ;; esac; }

# Whether the job of line $1 waits for its nodes.
slurm_waits() { case $1 in *'|PENDING|'*) ;; *) return 1 ;; esac; }

# Prints STATE REASON EXIT of job $1, which has ended, or nothing if that is not known any more.
slurm_end() {
  (slurm_forget; scontrol --oneliner show job "$1" 2>/dev/null) | tr ' ' '\n' |
    awk -F= '$1 == "JobState" { s = $2 } $1 == "Reason" { r = $2 } $1 == "ExitCode" { e = $2 } END { if (s) print s, r, e }'
}

slurm_cancel() { (slurm_forget; scancel "$1"); }

# Asks the first process of job $1 to end it.
slurm_interrupt() { (slurm_forget; scancel --batch --signal=TERM "$1"); }

# Prints the ID of the job in which this runs.
slurm_own() { printf '%s\n' "$SLURM_JOB_ID"; }

# Prints path $1 as --output takes it, where a % begins a pattern.
slurm_path() { printf '%s\n' "$1" | sed 's/%/%%/g'; }
