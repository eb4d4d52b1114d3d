#!/usr/bin/env bash
# Sets up if needed, configures if needed and builds causalfm.
#   launch/build.sh                     release, into build/; the program is build/causalfm
#   launch/build.sh --debug             into build-debug/
#   launch/build.sh --asan | --tsan     with AddressSanitizer or ThreadSanitizer, into build-asan/ or build-tsan/
#   launch/build.sh --cuda              for CUDA as well, into build-cuda/
#   ... -DNAME=VALUE                    sets an option of CMake, as -DCAUSALFM_BENCHMARKS=ON
#   ... --target NAME, other arguments  go to the build (cmake --build), as -j 4 or -v
set -euo pipefail
cd "$(dirname "$0")/.."

preset=release
setup=()
options=()
arguments=()
for argument in "$@"; do
  case "$argument" in
    --debug | --asan | --tsan) preset=${argument#--} ;;
    --cuda) preset=cuda setup=(--cuda) ;;
    -D?*=*) options+=("$argument") ;;
    -h | --help)
      sed -n '2,8s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) arguments+=("$argument") ;;
  esac
done
folder=build-$preset
[ "$preset" != release ] || folder=build

# A folder that was configured for another place of the source tree cannot be taken over.
configured_here() {
  [ -f "$folder/build.ninja" ] && grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$folder/CMakeCache.txt"
}

start=$SECONDS
launch/setup.sh "${setup[@]}"
if ! configured_here; then
  cmake --preset "$preset" --fresh "${options[@]}" >/dev/null
elif [ ${#options[@]} -gt 0 ]; then
  cmake --preset "$preset" "${options[@]}" >/dev/null
fi
cmake --build "$folder" "${arguments[@]}"
echo "build.sh: $folder is up to date after $((SECONDS - start)) s"
