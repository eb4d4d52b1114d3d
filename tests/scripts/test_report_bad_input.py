"""scripts/figures/report.py given what is no report, or a damaged one."""

import os
import sys
from pathlib import Path

import h5py
import numpy
import pytest

SOURCE = Path(os.environ.get("CAUSALFM_SOURCE", Path(__file__).resolve().parents[2]))
sys.path[:0] = [str(SOURCE / "scripts" / "figures"), str(Path(__file__).parent)]

import pictures  # noqa: E402
import report  # noqa: E402
from synthetic_report import Choice, change, write_report  # noqa: E402

SMALL = {"stars": 60, "rows": 200}


def no_report(folder):
    (folder / "report.json").unlink()


def broken_json(folder):
    (folder / "report.json").write_text('{"format": ')


def another_format(folder):
    change(folder, format="causalfm-dataset")


def newer_version(folder):
    change(folder, version=2)


def no_runs(folder):
    change(folder, runs={})


def score_that_is_none(folder):
    change(folder, regression={"theta_0": {"raw": {"10": ["much"]}}})


def no_arrays(folder):
    (folder / "evaluation.h5").unlink()


def torn_arrays(folder):
    file = folder / "evaluation.h5"
    file.write_bytes(file.read_bytes()[:3000])


def another_file(folder):
    with h5py.File(folder / "evaluation.h5", "a") as file:
        file.attrs["format"] = "causalfm-shard"


def rows_that_disagree(folder):
    with h5py.File(folder / "evaluation.h5", "a") as file:
        del file["latents/z_star"]
        file["latents/z_star"] = numpy.zeros((3, 20))


def example_without_lines(folder):
    with h5py.File(folder / "evaluation.h5", "a") as file:
        del file["examples/quickstart/triplet/reconstructed"]


BAD = {
    no_report: "is {} a folder that causalfm evaluate wrote?",
    broken_json: "report.json cannot be read",
    another_format: "its format is not 'causalfm-report'",
    newer_version: "version 2, this program reads up to 1: use a newer causalfm",
    no_runs: "names no runs",
    score_that_is_none: "could not convert string to float: 'much'",
    no_arrays: "no {}/evaluation.h5: run causalfm evaluate again",
    torn_arrays: "evaluation.h5 cannot be read",
    another_file: "'causalfm-shard'",
    rows_that_disagree: "latents/z_star has 3 rows, rows/star_id 200",
    example_without_lines: "triplet.png cannot be drawn from evaluation.h5",
}


@pytest.mark.parametrize("damage", BAD, ids=lambda damage: damage.__name__)
def test_bad_input(tmp_path, capsys, monkeypatch, damage):
    write_report(tmp_path, Choice(baseline=False, second_run=False, **SMALL))
    damage(tmp_path)
    monkeypatch.setattr(pictures, "_maps", lambda evaluation: [])  # the slow picture has no part in this
    monkeypatch.setattr(sys, "argv", ["report.py", str(tmp_path)])
    assert report.main() == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("report.py: ") and printed.err.count("\n") == 1
    assert BAD[damage].format(tmp_path) in printed.err
    assert printed.out == "" and not (tmp_path / "index.html").exists()
