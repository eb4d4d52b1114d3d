#!/usr/bin/env bash
# Starts the program of the bundle that has this file's name, with the LibTorch of a Python on this machine:
# $CAUSALFM_PYTHON, or python3. No library is looked for anywhere else.
set -euo pipefail
bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$bundle/libexec/$(basename "$0")
python=${CAUSALFM_PYTHON:-python3}

fail() {
  echo "causalfm: $1" >&2
  exit 2
}

command -v "$python" >/dev/null || fail "no $python: name a Python that has torch @torch@ in CAUSALFM_PYTHON"
torch=$("$python" -c 'import importlib.metadata, importlib.util
print(importlib.metadata.version("torch"), importlib.util.find_spec("torch").submodule_search_locations[0])' 2>/dev/null) ||
  fail "$python has no torch: name a Python that has torch @torch@ in CAUSALFM_PYTHON"
version=${torch%% *} folder=${torch#* }
[ "${version%%+*}" = "@torch@" ] ||
  fail "$python has torch $version, this bundle was built for @torch@: name another Python in CAUSALFM_PYTHON"
[ "@kind@" = cpu ] || [ -e "$folder/lib/libtorch_cuda.so" ] ||
  fail "torch $version of $python is for CPUs, this bundle for CUDA: take the CPU bundle, or a Python with torch for CUDA"

libraries=$bundle/lib:$folder/lib
for part in "$(dirname "$folder")"/nvidia/*/lib; do
  [ -d "$part" ] && libraries+=:$part
done
# Our own C++ library only where the system's is older: the GPU's driver may need a newer one.
standard=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null | sed -n 's/.*libstdc++.so.6 .*x86-64.* => //p' | head -n 1) || standard=
grep -q "@glibcxx@" "${standard:-/dev/null}" || libraries=$bundle/lib/standard:$libraries

export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# Where Open MPI looks for what it was built with, and nowhere else.
export OPAL_PREFIX=$bundle OPAL_BINDIR=$bundle/libexec OPAL_LIBDIR=$bundle/lib OPAL_PKGLIBDIR=$bundle/lib/openmpi
export OPAL_DATADIR=$bundle/share OPAL_PKGDATADIR=$bundle/share/openmpi OPAL_SYSCONFDIR=$bundle/share/openmpi
export OMPI_MCA_mca_base_component_path=$bundle/lib/openmpi
export PMIX_INSTALL_PREFIX=$bundle PMIX_LIBDIR=$bundle/lib PMIX_PKGLIBDIR=$bundle/lib/pmix PMIX_PKGDATADIR=$bundle/share/pmix
export PMIX_MCA_pmix_mca_base_component_show_load_errors=0 # plugins of another PMIx on this machine are not missed
exec "$program" "$@"
