#!/usr/bin/env bash
# Runs `causalfm ARGS` on N ranks of Open MPI; launch/mpirun/ says how, and prints the usage for --help.
#   launch/mpirun.sh [--hostfile FILE] [--grace SECONDS] N ARGS...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python="$here/../.venv/bin/python"
[ -x "$python" ] || python=$(command -v python3) || {
  echo "causalfm: no Python 3 to start the ranks with: run launch/setup.sh first" >&2
  exit 2
}
# Part of a bundle: Open MPI is beside it.
[ ! -x "$here/../../../libexec/mpirun" ] || PATH=$here/../../../bin:$PATH
exec "$python" -B "$here/mpirun" "$@"
