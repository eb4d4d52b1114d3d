#!/usr/bin/env bash
# Times what a training step is made of, on one core, with Google Benchmark: each sublayer, InfoNCE, Adam, sampler,
# simulator and the reading of batches. Arguments go to it, as
#   benchmarks/parts.sh --benchmark_filter='sublayer/lstm/t100' --benchmark_repetitions=5
set -euo pipefail
cd "$(dirname "$0")/.."

launch/build.sh -DCAUSALFM_BENCHMARKS=ON --target benchmark_parts >/dev/null
exec build/benchmarks/parts/benchmark_parts "$@"
