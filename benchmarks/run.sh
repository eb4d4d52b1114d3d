#!/usr/bin/env bash
# Times causalfm's training step against the same step in idiomatic PyTorch and prints a Markdown table:
#   benchmarks/run.sh [--cases PATTERN...] [--repetitions N] [--rival better|eager|compiled] [--clock wall|processor]
#   benchmarks/run.sh --list      what there is to measure
# Builds the program first. Leave the machine alone meanwhile, or count processor time.
set -euo pipefail
cd "$(dirname "$0")/.."

launch/build.sh -DCAUSALFM_BENCHMARKS=ON --target benchmark_training_step >/dev/null
exec "${CAUSALFM_PYTHON:-.venv/bin/python}" -B benchmarks/step/measure.py "$@"
