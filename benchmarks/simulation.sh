#!/usr/bin/env bash
# Builds and runs the benchmark of the simulator against NumPy: benchmarks/simulation.sh [REPETITIONS]
set -euo pipefail
cd "$(dirname "$0")/.."

python=${CAUSALFM_PYTHON:-.venv/bin/python}
launch/build.sh -DCAUSALFM_BENCHMARKS=ON --target benchmark_simulation >/dev/null

# OpenBLAS tuned for another processor, or several threads, would make the comparison one of settings.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
exec "$python" benchmarks/simulation/compare.py build/benchmarks/simulation/benchmark_simulation "$@"
