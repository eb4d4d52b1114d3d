#!/usr/bin/env bash
# Installs everything that causalfm needs on a bare Debian 12: the packages of debian-packages.txt and a virtual
# environment .venv with requirements.txt. Run again, it finds what is there and is done within a second.
#   launch/setup.sh            for the CPU build
#   launch/setup.sh --cuda     also a CUDA 13.0 compiler inside .venv, where the system has none of CUDA 13
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "setup.sh: $1" >&2
  exit "${2:-1}"
}

cuda=no
for argument in "$@"; do
  case "$argument" in
    --cuda) cuda=yes ;;
    -h | --help)
      sed -n '2,5s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) fail "unknown argument '$argument'; see launch/setup.sh --help" 2 ;;
  esac
done

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "installing Debian packages needs root, and there is no sudo: run as root: $*" 2
  fi
}

install_debian_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "setup.sh: this is no Debian: install what launch/debian-packages.txt names by your system's own means" >&2
    return 0
  fi
  local package missing=()
  while read -r package; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done <launch/debian-packages.txt
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "setup.sh: installing Debian packages: ${missing[*]}"
  as_root apt-get update -qq ||
    fail "apt-get cannot read its package lists: check the network and /etc/apt/sources.list"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get could not install ${missing[*]}: see its message above; causalfm is built on Debian 12"
}

# Compares versions from the installed metadata only: importing torch would take seconds.
python_packages_present() {
  [ -x .venv/bin/python ] && .venv/bin/python -I - "$@" <<'PYTHON'
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

# torch is built with CUDA 13, and only a compiler of the same major release links against it.
system_has_cuda_13() {
  local nvcc
  nvcc=$(command -v nvcc) || nvcc=${CUDA_HOME:-/usr/local/cuda}/bin/nvcc
  [ -x "$nvcc" ] && "$nvcc" --version | grep -q 'release 13\.'
}

install_python_packages() {
  local requirements=(launch/requirements.txt) python=/usr/bin/python3
  if [ "$cuda" = yes ] && ! system_has_cuda_13; then
    requirements+=(launch/requirements-cuda.txt)
  fi
  python_packages_present "${requirements[@]}" && return 0
  echo "setup.sh: installing Python packages into .venv"
  [ -x "$python" ] || python=$(command -v python3) || fail "no python3: install Python 3.11" 2
  [ -x .venv/bin/pip ] || "$python" -m venv .venv || fail "cannot make the virtual environment .venv: see the message above"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "${requirements[@]/#/--requirement=}" ||
    fail "pip could not install ${requirements[*]}: check the network and pip's index, then run again"
}

install_debian_packages
install_python_packages
