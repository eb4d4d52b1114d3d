#!/usr/bin/env bash
# Trains a run anew and compares every line of its metrics; launch/repeat/ says how, and prints the usage for --help.
#   launch/repeat.sh RUN [--out DIR]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python="$here/../.venv/bin/python"
[ -x "$python" ] || python=$(command -v python3) || {
  echo "repeat.sh: no Python 3: run launch/setup.sh first" >&2
  exit 2
}
exec "$python" -B "$here/repeat" "$@"
