# What the batch scripts of this folder share; they source it. It starts the ranks, passes the time limit's signal on,
# and has the job start again when the run was interrupted with its state saved.
# Uses: $scripts, this folder; $place, the name of the batch script; $job, the number of the job, of an array ARRAY_MEMBER:
# the last member of an array has the array's own number, by which Slurm shows all of them.

source_folder=$(cd "$scripts/../.." && pwd)
usage_error=2 lost=4 interrupted=75
restarts_without_progress=3
stopped=

fail() {
  echo "causalfm: $place: $1" >&2
  exit "$usage_error"
}

python=$source_folder/.venv/bin/python
[ -x "$python" ] || python=$(command -v python3) || python=

# $CAUSALFM_BINARY, build/causalfm beside these scripts, or causalfm in PATH.
find_binary() {
  local own=$source_folder/build/causalfm
  if [ -n "${CAUSALFM_BINARY:-}" ]; then
    binary=$CAUSALFM_BINARY
    [ -x "$binary" ] || fail "no program $binary: correct CAUSALFM_BINARY"
  elif [ -x "$own" ]; then
    binary=$own
  else
    binary=$(command -v causalfm) ||
      fail "no program $own and no causalfm in PATH: build it with launch/build.sh or set CAUSALFM_BINARY"
  fi
}

count_ranks() {
  # Slurm leaves SLURM_NTASKS out when nothing but nodes was asked for.
  ranks=${SLURM_NTASKS:-${SLURM_JOB_NUM_NODES:-1}}
  threads=${SLURM_CPUS_PER_TASK:-1}
  ranks_a_node=$(((ranks + ${SLURM_JOB_NUM_NODES:-1} - 1) / ${SLURM_JOB_NUM_NODES:-1}))
}

# NCCL puts no two ranks on one GPU, and a GPU without a rank is paid for and idle.
check_gpus() {
  local gpus=${SLURM_GPUS_ON_NODE:-0}
  [ "$gpus" = 0 ] || [ "$gpus" = "$ranks_a_node" ] ||
    fail "$ranks_a_node ranks a node for $gpus GPUs: submit with --ntasks-per-node=$gpus, one rank a GPU"
}

choose_launcher() {
  local pmix=no mpirun=no
  srun --mpi=list 2>&1 | grep -qw pmix && pmix=yes
  command -v mpirun >/dev/null && [ -n "$python" ] && mpirun=yes
  launcher=${CAUSALFM_LAUNCHER:-}
  case "$launcher" in
    '') if [ $pmix = yes ]; then launcher=srun; else launcher=mpirun; fi ;;
    srun) [ $pmix = yes ] || fail "srun has no PMIx here, and without it every rank would train alone: set CAUSALFM_LAUNCHER=mpirun" ;;
    mpirun) ;;
    *) fail "CAUSALFM_LAUNCHER is '$launcher': set it to srun or mpirun, or not at all" ;;
  esac
  [ "$launcher" = srun ] || [ $mpirun = yes ] ||
    fail "srun has no PMIx, or was not chosen, and there is no mpirun in PATH: install Slurm's PMIx plugin, or load a module with Open MPI"
}

# Runs `causalfm ARGUMENTS` on every rank of the allocation; sets `code`.
run_on_ranks() {
  find_binary
  choose_launcher
  export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$threads}
  # NCCL_* is left alone: NCCL finds links and networks itself, and what a site must set reaches the ranks from the
  # environment of sbatch.
  if [ "$launcher" = mpirun ]; then
    CAUSALFM_BINARY=$binary in_background "$source_folder/launch/mpirun.sh" "$ranks" "$@"
    return
  fi
  # The program's ranks agree on the end and on its code: srun must not end the others at the first one's. --wait is for
  # a node that cannot be reached any more.
  CAUSALFM_RANKS=$ranks in_background srun --mpi=pmix --ntasks="$ranks" --cpus-per-task="$threads" --cpu-bind=cores \
    --kill-on-bad-exit=0 --wait=30 --unbuffered "$scripts/rank.sh" "$binary" "$@"
  translate_srun
}

# Bash runs a trap only between commands, so the launcher is in the background and is waited for again.
in_background() {
  trap 'stopped=${stopped:-USR1}; pass_on' USR1
  trap 'stopped=TERM; pass_on' TERM
  "$@" &
  child=$!
  code=0
  wait "$child" || code=$?
  while kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
  done
  trap '' USR1 TERM
}

pass_on() {
  kill -USR1 "$child" 2>/dev/null || true
}

# srun returns 128 and the signal when one ended a rank; launch/mpirun.sh tells of it itself.
translate_srun() {
  [ "$code" -gt 128 ] || return 0
  local signalled=
  [ -z "$stopped" ] || signalled=signalled
  [ -n "$python" ] || {
    echo "causalfm: $place: a rank was ended from outside: the last checkpoint is intact, run again to go on from it" >&2
    code=$lost
    return 0
  }
  local returned=$code
  code=0
  "$python" -B "$source_folder/launch/mpirun/verdict.py" "a rank of job $job" $((returned - 128)) $signalled ||
    code=$?
}

# Ends the batch script with the run's code; a run that was interrupted before its time starts again in the same job.
#   end_or_requeue STATE_FOLDER CHECKPOINTS   the folder that remembers restarts, and the run's latest checkpoint
end_or_requeue() {
  # After scancel, and when Slurm itself makes room for another job, it alone decides what comes next.
  [ "$code" = "$interrupted" ] && [ "$stopped" != TERM ] || exit "$code"
  scontrol --oneliner show job "$job" | grep -q 'JobState=RUNNING' || exit "$code"
  remember_restart "$1" "$2" "$job" || exit "$code"
  echo "causalfm: $place: interrupted with the state saved: job $job is queued again and goes on"
  # Slurm ends this script now; where it refuses, the code says that the run is not over.
  scontrol requeue "$job" || exit "$code"
  sleep 60
  exit "$code"
}

remember_restart() {
  local file=$1/slurm-restarts latest=none count=0 known_job='' known_latest=''
  [ ! -f "$2" ] || latest=$(<"$2")
  [ ! -f "$file" ] || read -r known_job count known_latest <"$file"
  if [ "$known_job" = "$3" ] && [ "$known_latest" = "$latest" ]; then count=$((count + 1)); else count=0; fi
  if [ "$count" -ge $restarts_without_progress ]; then
    echo "causalfm: $place: $restarts_without_progress restarts went no further than checkpoint '$latest': ask for a longer --time, or lower train.checkpoint_every" >&2
    rm -f "$file"
    return 1
  fi
  mkdir -p "$1" && echo "$3 $count $latest" >"$file"
}
