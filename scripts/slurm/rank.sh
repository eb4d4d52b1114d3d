#!/usr/bin/env bash
# What srun starts for each rank: the program, or, where the ranks could not find each other, nothing but a sentence.
# Without PMIx each process would be rank 0 of a job of one, and the same training would run N times.
set -euo pipefail
if [ -z "${PMIX_RANK:-}" ] || [ "${SLURM_STEP_NUM_TASKS:-1}" != "${CAUSALFM_RANKS:-${SLURM_NTASKS:-1}}" ]; then
  [ "${SLURM_PROCID:-0}" != 0 ] ||
    echo "causalfm: srun: ${SLURM_STEP_NUM_TASKS:-1} processes do not find each other as ${CAUSALFM_RANKS:-${SLURM_NTASKS:-1}} ranks without PMIx: start them by srun --mpi=pmix, or set CAUSALFM_LAUNCHER=mpirun" >&2
  exit 2
fi
exec "$@"
