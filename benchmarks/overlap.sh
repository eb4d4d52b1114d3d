#!/usr/bin/env bash
# How much of the communication hides behind backward when the network is slow: benchmarks/overlap.sh [--triplets N] ...
# Two hosts are played by network namespaces (root). Prints a Markdown table; build first (launch/build.sh), and leave
# the machine alone meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${CAUSALFM_PYTHON:-.venv/bin/python}" benchmarks/overlap/measure.py "$@"
