#!/usr/bin/env bash
# From a bare machine to a trained model: sets up, builds, simulates the paper's light curves, trains a small Conformer on
# 2 MPI ranks, draws its learning curves; ends with a table and the list of pictures.
#   launch/quickstart.sh              a few minutes after the build, into quickstart/
#   launch/quickstart.sh --small      2 minutes: fewer stars and steps, into quickstart-small/
#   ... --out DIR                     into another folder
# Run again, it goes on with an interrupted training, and does a finished one anew.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "quickstart.sh: $1" >&2
  exit 2
}

out=
settings=()
arguments="$*"
while [ $# -gt 0 ]; do
  case "$1" in
    --small)
      settings=(--set simulation.stars=300 --set train.steps=120 --set train.validate_every=20
        --set train.validation_triplets=256)
      ;;
    --out)
      [ $# -gt 1 ] || fail "--out needs a folder"
      out=$2
      shift
      ;;
    -h | --help)
      sed -n '2,7s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) fail "unknown argument '$1'; see launch/quickstart.sh --help" ;;
  esac
  shift
done
if [ -z "$out" ]; then
  out=quickstart
  [ ${#settings[@]} -eq 0 ] || out=quickstart-small
fi
config=configs/quickstart.yaml
marker=$out/made-by-quickstart.txt
run=$out/run
export CAUSALFM_BINARY=$PWD/build/causalfm

step() {
  local name=$1 start=$SECONDS
  shift
  echo "quickstart: $name: $*"
  "$@" || {
    local code=$?
    [ $code -ne 75 ] || echo "quickstart: interrupted: run launch/quickstart.sh $arguments again to go on" >&2
    exit $code
  }
  echo "quickstart: $name took $((SECONDS - start)) s"
}

# What an earlier quickstart with the same settings left is used again; anything else that it made is removed, and what
# it did not make is never touched.
prepare_folder() {
  local wanted
  wanted=$(
    echo "Made by launch/quickstart.sh, which may replace data/, run/ and figures/ beside this file."
    echo "settings: ${settings[*]}"
    sha256sum "$config"
  )
  if [ -d "$out" ] && [ ! -f "$marker" ] && [ -n "$(ls -A "$out")" ]; then
    fail "$out holds files that quickstart did not make: choose another folder with --out"
  fi
  mkdir -p "$out"
  if [ -f "$marker" ] && [ "$(cat "$marker")" != "$wanted" ]; then
    rm -rf "$out/data" "$run" "$out/figures"
  elif grep -qsE '"ended": *"(completed|early_stopping)"' "$run/summary.json"; then
    rm -rf "$run"
  fi
  echo "$wanted" >"$marker"
}

step set-up launch/setup.sh
step build launch/build.sh --target causalfm_app
prepare_folder
step simulate build/causalfm simulate "$config" "${settings[@]}" --out "$out/data"
step train launch/mpirun.sh 2 train "$config" "${settings[@]}" --set "data.path=$out/data" --run "$run"
step draw .venv/bin/python -B scripts/figures/learning_curve.py "$run" --out "$out/figures/learning_curve.png"
echo
.venv/bin/python -B scripts/figures/loss_table.py "$run"
echo
echo "quickstart: done after $SECONDS s; pictures:"
realpath "$out"/figures/*.png
