#!/usr/bin/env bash
# Builds and runs the benchmark of InfoNCE against the matrix products it cannot do without:
#   benchmarks/info_nce.sh [--rows N] [--width N] [--dtype float32|float64] [--threads N] [--repetitions N]
set -euo pipefail
cd "$(dirname "$0")/.."

launch/build.sh -DCAUSALFM_BENCHMARKS=ON --target benchmark_info_nce >/dev/null
exec build/benchmarks/info_nce/benchmark_info_nce "$@"
