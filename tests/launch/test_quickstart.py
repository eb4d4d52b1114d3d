"""launch/quickstart.sh with a program that only writes the files of a run: what it uses again, removes and keeps."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("CAUSALFM_SOURCE", Path(__file__).resolve().parents[2]))

PROGRAM = f"""#!{sys.executable}
import json, os, sys
from pathlib import Path

rank = os.environ.get("OMPI_COMM_WORLD_RANK", "0")
if rank != "0":
    sys.exit(int(os.environ.get("TRAIN_CODE", "0")))
with open("calls.txt", "a") as calls:
    print(*sys.argv[1:], file=calls)
target = Path(sys.argv[sys.argv.index("--out" if sys.argv[1] != "train" else "--run") + 1])
if sys.argv[1] == "embed":
    target.touch()
    sys.exit(0)
target.mkdir(parents=True, exist_ok=True)
if sys.argv[1] == "evaluate":
    run = dict(reconstruction_mse=0.25)
    scores = dict(z_star={{"100": [0.5, 0.75]}})
    report = dict(runs=dict(dual=run), regression=dict(theta_0=scores), probes=dict(instrument=dict(chance=0.1)))
    target.joinpath("report.json").write_text(json.dumps(report))
    target.joinpath("figures").mkdir()
    target.joinpath("figures", "probes.png").touch()
if sys.argv[1] == "train":
    names = ("star", "instrument", "reconstruction", "star_recall", "instrument_recall")
    line = dict(step=1, validation_loss=2.5, **{{"validation_" + name: 0.5 for name in names}})
    target.joinpath("metrics.jsonl").write_text(json.dumps(line) + "\\n")
    ended = "interrupted" if os.environ.get("TRAIN_CODE") else "completed"
    summary = dict(ended=ended, steps=1, ranks=2, seconds=1.0)
    target.joinpath("summary.json").write_text(json.dumps(summary, indent=2))
    sys.exit(int(os.environ.get("TRAIN_CODE", "0")))
"""


@pytest.fixture
def tree(tmp_path):
    """A tree whose set-up and build have nothing to do."""
    for name in ("launch", "scripts", "configs"):
        shutil.copytree(SOURCE / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.sh", "build.sh"):
        (tmp_path / "launch" / name).write_text("#!/bin/sh\n")
    program = tmp_path / "build" / "causalfm"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return tmp_path


def quickstart(tree, *arguments, **variables):
    command = [tree / "launch" / "quickstart.sh", *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment, cwd="/")


def test_from_nothing_and_again(tree):
    done = quickstart(tree, "--small")
    assert done.returncode == 0, done.stdout + done.stderr
    picture = tree / "quickstart-small" / "report" / "figures" / "probes.png"
    assert done.stdout.splitlines()[-1] == str(picture) and picture.is_file()
    assert "2.5000" in done.stdout and "0.625 ± 0.177" in done.stdout and "train dual took" in done.stdout
    calls = tree.joinpath("calls.txt").read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["simulate", *["train", "embed"] * 3, "evaluate"]
    assert calls[0].startswith("simulate configs/quickstart.yaml --set ")
    assert calls[1].endswith("--set data.path=quickstart-small/data --run quickstart-small/runs/dual")
    assert calls[-1].endswith("--out quickstart-small/report") and "--baseline quickstart-small/runs/single" in calls[-1]

    witness = tree / "quickstart-small" / "runs" / "dual" / "witness"
    witness.touch()
    assert quickstart(tree, "--small").returncode == 0
    assert not witness.exists(), "a finished quickstart is done anew"


def test_interrupted_training_goes_on(tree):
    done = quickstart(tree, "--out", "mine", TRAIN_CODE="75")
    assert done.returncode == 75
    assert "interrupted: run launch/quickstart.sh --out mine again to go on" in done.stderr
    witness = tree / "mine" / "runs" / "dual" / "witness"
    witness.touch()
    assert quickstart(tree, "--out", "mine").returncode == 0
    assert witness.exists()


def test_other_settings_begin_anew_and_spare_what_is_not_ours(tree):
    assert quickstart(tree, "--out", "mine", TRAIN_CODE="75").returncode == 75
    for name in ("runs/dual/witness", "data/witness", "notes.txt"):
        (tree / "mine" / name).touch()
    assert quickstart(tree, "--small", "--out", "mine").returncode == 0
    assert not (tree / "mine/runs/dual/witness").exists() and not (tree / "mine/data/witness").exists()
    assert (tree / "mine/notes.txt").exists()


def test_folder_of_someone_else_is_refused(tree):
    (tree / "mine" / "data").mkdir(parents=True)
    (tree / "mine" / "data" / "precious").touch()
    done = quickstart(tree, "--out", "mine")
    assert done.returncode == 2
    assert "mine holds files that quickstart did not make: choose another folder" in done.stderr
    assert (tree / "mine" / "data" / "precious").exists()


def test_usage(tree):
    assert quickstart(tree, "--out").returncode == 2
    done = quickstart(tree, "--big")
    assert done.returncode == 2 and "unknown argument '--big'" in done.stderr
