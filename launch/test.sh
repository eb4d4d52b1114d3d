#!/usr/bin/env bash
# Sets up, builds and runs the fast tests of every room by CTest.
#   launch/test.sh                    the fast tests
#   launch/test.sh --long             the long ones as well, and launch/lint.sh --all
#   launch/test.sh --asan | --tsan    the fast tests of a build with AddressSanitizer or ThreadSanitizer
#   other arguments go to ctest, as -R storage
set -euo pipefail
cd "$(dirname "$0")/.."

folder=build
build=()
labels=fast
arguments=()
for argument in "$@"; do
  case "$argument" in
    --long) labels='fast|long' ;;
    --asan | --tsan)
      build=("$argument")
      folder=build-${argument#--}
      export OMP_NUM_THREADS=1 # the OpenMP runtime is not instrumented: its threads would look like races
      ;;
    -h | --help)
      sed -n '2,6s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) arguments+=("$argument") ;;
  esac
done

launch/build.sh "${build[@]}"
if [ "$labels" = 'fast|long' ]; then
  launch/lint.sh --all
fi
ctest --test-dir "$folder" --label-regex "^($labels)\$" --no-tests=error --output-on-failure -j 2 "${arguments[@]}"
