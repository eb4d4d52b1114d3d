#!/usr/bin/env bash
# Installs everything that causalfm needs on a bare Debian 12: the packages of debian-packages.txt and a virtual
# environment .venv with requirements.txt. Run again, it finds what is there and is done in seconds.
#   launch/setup.sh            for the CPU build
#   launch/setup.sh --cuda     also a CUDA 13.0 compiler inside .venv, where the system has no nvcc
set -euo pipefail
cd "$(dirname "$0")/.."

cuda=no
for argument in "$@"; do
  case "$argument" in
    --cuda) cuda=yes ;;
    -h|--help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "setup.sh: unknown argument '$argument'; see launch/setup.sh --help" >&2; exit 2 ;;
  esac
done

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else echo "setup.sh: installing packages needs root or sudo: run as root: $*" >&2; exit 2
  fi
}

install_debian_packages() {
  local package missing=""
  while read -r package; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=" $package"
  done <launch/debian-packages.txt
  [ -n "$missing" ] || return 0
  echo "setup.sh: installing Debian packages:$missing"
  as_root apt-get update -qq
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
}

# Compares versions from the installed metadata only: importing torch would take seconds.
python_packages_present() {
  [ -x .venv/bin/python ] && .venv/bin/python - "$@" <<'PYTHON'
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

for requirements in sys.argv[1:]:
    for line in Path(requirements).read_text().split():
        name, wanted = line.split("==")
        name = name.split("[")[0]
        try:
            found = version(name).split("+")[0]
        except PackageNotFoundError:
            sys.exit(1)
        if found != wanted and not (wanted.endswith(".*") and found.startswith(wanted[:-1])):
            sys.exit(1)
PYTHON
}

install_python_packages() {
  local requirements=(launch/requirements.txt)
  if [ "$cuda" = yes ] && ! command -v nvcc >/dev/null && [ ! -x "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" ]; then
    requirements+=(launch/requirements-cuda.txt)
  fi
  python_packages_present "${requirements[@]}" && return 0
  echo "setup.sh: installing Python packages into .venv"
  [ -x .venv/bin/python ] || /usr/bin/python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "${requirements[@]/#/--requirement=}"
}

install_debian_packages
install_python_packages
