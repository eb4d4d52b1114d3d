#!/usr/bin/env bash
# From a bare machine to the paper's figures: sets up, builds, simulates the paper's light curves, trains three models on
# 2 MPI ranks (dual: two latents; single: the baseline with one; spectrum: two latents of encoders that see the curve's
# spectrum), embeds every curve, evaluates all three, draws; ends with a table and the list of pictures.
#   launch/quickstart.sh              12 minutes after the build, into quickstart/
#   launch/quickstart.sh --small      2 minutes: fewer stars and steps, into quickstart-small/
#   ... --out DIR                     into another folder
# Run again, it goes on with what an interruption has left, and does a finished quickstart anew.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "quickstart.sh: $1" >&2
  exit 2
}

out=
small=no
command="launch/quickstart.sh${*:+ $*}"
while [ $# -gt 0 ]; do
  case "$1" in
    --small) small=yes ;;
    --out)
      [ $# -gt 1 ] || fail "--out needs a folder"
      out=$2
      shift
      ;;
    -h | --help)
      sed -n '2,9s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) fail "unknown argument '$1'; see launch/quickstart.sh --help" ;;
  esac
  shift
done
data_settings=()
train_settings=()
if [ $small = yes ]; then
  data_settings=(--set simulation.stars=300)
  train_settings=(--set train.steps=60 --set train.validate_every=20 --set train.validation_triplets=256)
  [ -n "$out" ] || out=quickstart-small
fi
[ -n "$out" ] || out=quickstart

dual=configs/quickstart.yaml
single=configs/quickstart-single.yaml
spectrum=configs/quickstart-spectrum.yaml
marker=$out/made-by-quickstart.txt
report=$out/report
export CAUSALFM_BINARY=$PWD/build/causalfm

step() {
  local name=$1 start=$SECONDS
  shift
  echo "quickstart: $name: $*"
  "$@" || {
    local code=$?
    [ $code -ne 75 ] || echo "quickstart: interrupted: run $command again to go on" >&2
    exit $code
  }
  echo "quickstart: $name took $((SECONDS - start)) s"
}

# What an interrupted quickstart with the same settings left is used again; anything else that a quickstart made is
# removed, and what it did not make is never touched.
prepare_folder() {
  local wanted
  wanted=$(
    echo "Made by launch/quickstart.sh, which may replace data/, runs/, embeddings/ and report/ beside this file."
    echo "settings: ${data_settings[*]} ${train_settings[*]}"
    sha256sum "$dual" "$single" "$spectrum"
  )
  if [ -d "$out" ] && [ ! -f "$marker" ] && [ -n "$(ls -A "$out")" ]; then
    fail "$out holds files that quickstart did not make: choose another folder with --out"
  fi
  mkdir -p "$out"
  if [ -f "$marker" ] && [ "$(cat "$marker")" != "$wanted" ]; then
    rm -rf "$out/data" "$out/runs" "$out/embeddings" "$report"
  elif [ -f "$report/report.json" ]; then
    rm -rf "$out/runs" "$out/embeddings" "$report"
  fi
  rm -rf "$report"
  echo "$wanted" >"$marker"
}

train() {
  local name=$1 config=$2
  step "train $name" launch/mpirun.sh 2 train "$config" "${train_settings[@]}" --set "data.path=$out/data" \
    --run "$out/runs/$name"
  step "embed $name" launch/mpirun.sh 2 embed --run "$out/runs/$name" --data "$out/data" \
    --out "$out/embeddings/$name.h5"
}

step set-up launch/setup.sh
step build launch/build.sh --target causalfm_app
prepare_folder
step simulate build/causalfm simulate "$dual" "${data_settings[@]}" --out "$out/data"
mkdir -p "$out/embeddings"
train dual "$dual"
train single "$single"
train spectrum "$spectrum"
step evaluate build/causalfm evaluate --run "$out/runs/dual" --run "$out/runs/spectrum" --baseline "$out/runs/single" \
  --data "$out/data" --embeddings "$out/embeddings/dual.h5" --embeddings "$out/embeddings/spectrum.h5" \
  --embeddings "$out/embeddings/single.h5" --out "$report"
echo
.venv/bin/python -B scripts/figures/loss_table.py "$out/runs/dual" "$out/runs/single" "$out/runs/spectrum"
echo
.venv/bin/python -B scripts/figures/report_table.py "$report"
echo
echo "quickstart: done after $SECONDS s; open $(realpath "$report/index.html"); pictures:"
realpath "$report"/figures/*.png
