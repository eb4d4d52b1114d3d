#!/usr/bin/env bash
# Checks the C++ files: format, the room table of launch/rooms.txt, rules of the house, and clang-tidy on what changed
# since main (--all: on every file; --quick: not at all). launch/lint/ says how, and prints the usage for --help.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python="$here/../.venv/bin/python"
[ -x "$python" ] || python=$(command -v python3) || {
  echo "lint.sh: no Python 3: run launch/setup.sh first" >&2
  exit 2
}
exec "$python" -B "$here/lint" "$@"
