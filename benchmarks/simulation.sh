#!/usr/bin/env bash
# Builds and runs the benchmark of the simulator against NumPy: benchmarks/simulation.sh [REPETITIONS]
set -euo pipefail
cd "$(dirname "$0")/.."

build=build-benchmarks
python=${CAUSALFM_PYTHON:-.venv/bin/python}
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCAUSALFM_TESTS=OFF -DCAUSALFM_BENCHMARKS=ON >/dev/null
ninja -C "$build" benchmark_simulation >/dev/null

# OpenBLAS tuned for another processor, or several threads, would make the comparison one of settings.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
exec "$python" benchmarks/simulation/compare.py "$build/benchmarks/simulation/benchmark_simulation" "$@"
