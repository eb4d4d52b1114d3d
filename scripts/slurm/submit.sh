#!/usr/bin/env bash
# Submits to Slurm what one command line asks for; scripts/slurm/submit.py says how, and prints the usage for --help.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python="$here/../../.venv/bin/python"
[ -x "$python" ] || python=$(command -v python3) || {
  echo "causalfm: submit.sh: no Python 3: load a module that brings it" >&2
  exit 2
}
exec "$python" -B "$here/submit.py" "$@"
