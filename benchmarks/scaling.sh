#!/usr/bin/env bash
# What communication costs two ranks: benchmarks/scaling.sh [CONFIG] [--triplets N] [--steps N] [--pairs N]
# Prints a Markdown table; build first (launch/build.sh), and leave the machine alone meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${CAUSALFM_PYTHON:-.venv/bin/python}" benchmarks/scaling/measure.py "$@"
