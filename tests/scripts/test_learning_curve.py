"""scripts/figures: the learning curves' picture and the table of losses, from metrics.jsonl written here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

SOURCE = Path(os.environ.get("CAUSALFM_SOURCE", Path(__file__).resolve().parents[2]))
FIGURES = SOURCE / "scripts" / "figures"
sys.path.insert(0, str(FIGURES))

import learning_curve  # noqa: E402
from metrics import RunError, best_step, distinct_names, read_metrics  # noqa: E402


def training_line(step, **changes):
    line = {"step": step, "anchors_seen": 64 * step, "loss": 5.0, "reconstruction": 0.1, "star": 3.0, "instrument": 2.0}
    return {**line, **changes}


def validation_line(step, loss, **changes):
    names = ("reconstruction", "star", "instrument", "star_recall", "instrument_recall")
    line = {"step": step, "validation_loss": loss}
    return {**line, **{f"validation_{name}": 0.5 for name in names}, **changes}


def write_run(folder, lines, ending="\n"):
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(json.dumps(line) for line in lines)
    (folder / "metrics.jsonl").write_text(text + ending)
    return folder


@pytest.fixture
def run(tmp_path):
    lines = [training_line(step) for step in range(200)]
    lines[100:100] = [validation_line(100, 4.0)]
    return write_run(tmp_path / "a-run", [*lines, validation_line(200, 3.0)])


def call(script, *arguments):
    command = [sys.executable, "-B", FIGURES / script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_lines_are_told_apart(run):
    metrics = read_metrics(run)
    assert metrics.name == "a-run"
    assert len(metrics.training) == 200 and len(metrics.validation) == 2
    steps, losses = metrics.series("validation_loss")
    assert steps.tolist() == [100, 200] and losses.tolist() == [4.0, 3.0]
    assert best_step(metrics) == 200


def test_numbers_that_are_not_finite(tmp_path):
    lines = [training_line(0, loss="nan"), validation_line(1, "inf"), validation_line(2, 7.0)]
    metrics = read_metrics(write_run(tmp_path / "run", lines))
    assert numpy.isnan(metrics.series("loss")[1][0])
    assert best_step(metrics) == 2


def test_unfinished_last_line_is_left_out(tmp_path):
    run = write_run(tmp_path / "run", [training_line(0), training_line(1)], ending='\n{"step": 2, "lo')
    assert len(read_metrics(run).training) == 2


def test_broken_line_is_named(tmp_path):
    run = write_run(tmp_path / "run", [training_line(0)], ending="\nnonsense\n")
    with pytest.raises(RunError, match=r"metrics\.jsonl:2 is no line of metrics: 'nonsense'"):
        read_metrics(run)


def test_smoothing_keeps_constants_and_ignores_gaps():
    values = numpy.full(500, 3.0)
    values[100] = numpy.nan
    assert numpy.allclose(learning_curve.smoothed(values), 3.0)
    assert learning_curve.smoothed(numpy.array([])).size == 0


def test_smoothing_is_a_running_mean():
    values = numpy.random.default_rng(1).normal(size=600)
    window = 600 // learning_curve.WINDOWS // 2
    expected = [values[max(0, i - window) : i + window + 1].mean() for i in range(600)]
    assert numpy.allclose(learning_curve.smoothed(values), expected)


def test_names_tell_runs_apart(tmp_path):
    assert distinct_names([tmp_path / "a", tmp_path / "b"]) == ["a", "b"]
    assert distinct_names([tmp_path / "a" / "run", tmp_path / "b" / "run"]) == ["a/run", "b/run"]
    with pytest.raises(RunError, match="named twice"):
        distinct_names([tmp_path / "a", tmp_path / "b" / ".." / "a"])


def test_picture(run, tmp_path):
    single = write_run(tmp_path / "single", [{"step": 0, "loss": 1.0, "reconstruction": 1.0}])
    out = tmp_path / "figures" / "curve.png"
    done = call("learning_curve.py", run, single, "--out", out)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes().startswith(b"\x89PNG") and out.stat().st_size > 20_000


def test_a_loss_that_a_run_has_no_part_in_is_not_drawn(run, tmp_path):
    single = write_run(tmp_path / "single", [training_line(0, instrument=0.0), training_line(1, instrument=0.0)])
    _, (axes,) = learning_curve.style.pyplot.subplots(1, 1, squeeze=False)
    learning_curve.draw_loss(axes[0], [read_metrics(run), read_metrics(single)], "instrument", "validation_instrument")
    assert min(line.get_ydata().min() for line in axes[0].lines) > 0
    learning_curve.draw_loss(axes[0], [read_metrics(single)], "instrument", "validation_instrument")


def test_no_run(tmp_path):
    done = call("learning_curve.py", tmp_path, "--out", tmp_path / "a.png")
    assert done.returncode == 2
    assert done.stderr == f"learning_curve.py: no {tmp_path}/metrics.jsonl: is {tmp_path} the folder of a run?\n"
    assert not (tmp_path / "a.png").exists()


def test_table(run):
    summary = {"ended": "early_stopping", "steps": 200, "ranks": 2, "seconds": 12.3}
    (run / "summary.json").write_text(json.dumps(summary))
    done = call("loss_table.py", run)
    heading, columns, first, best, last = done.stdout.splitlines()
    assert heading == f"{run}: early stopping after 200 steps on 2 ranks, 12 s"
    assert columns.split()[:3] == ["validation", "step", "total"]
    assert first.split() == ["first", "100", "4.0000", *["0.5000"] * 5]
    assert best.split()[:3] == ["best", "200", "3.0000"] and last.split()[:3] == ["last", "200", "3.0000"]


def test_table_without_validation(tmp_path):
    done = call("loss_table.py", write_run(tmp_path / "run", [training_line(0)]))
    assert done.returncode == 0 and done.stdout.endswith("no validation yet\n")
