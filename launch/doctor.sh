#!/usr/bin/env bash
# Looks at what causalfm needs of this machine, a line a check; launch/doctor/ says how, and prints the usage for --help.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python="$here/../.venv/bin/python"
[ -x "$python" ] || python=$(command -v python3) || {
  echo "causalfm: doctor.sh: no Python 3: run launch/setup.sh first" >&2
  exit 2
}
exec "$python" -B "$here/doctor" "$@"
