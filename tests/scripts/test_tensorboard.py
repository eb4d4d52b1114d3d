"""scripts/tensorboard.py: what TensorBoard reads back is what metrics.jsonl holds."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

SOURCE = Path(os.environ.get("CAUSALFM_SOURCE", Path(__file__).resolve().parents[2]))
SCRIPT = SOURCE / "scripts" / "tensorboard.py"


def training_line(step, shift=0.0):
    return {"step": step, "loss": 5.0 - 0.01 * step + shift, "star": 3.0 / (step + 1), "seconds": 0.5 * (step + 1)}


def validation_line(step, loss):
    return {"step": step, "validation_loss": loss, "validation_star_recall": 0.25, "seconds": 0.5 * step + 0.1}


def write_lines(run, lines, end="\n"):
    """Replaces metrics.jsonl as a resume does: by a new file of the name."""
    run.mkdir(parents=True, exist_ok=True)
    (run / "config.yaml").touch()
    (run / "new").write_text("\n".join(json.dumps(line) for line in lines) + end)
    (run / "new").rename(run / "metrics.jsonl")


def append(run, *lines, end="\n"):
    with (run / "metrics.jsonl").open("a") as file:
        file.write("\n".join(json.dumps(line) for line in lines) + end)


def scalars(folder):
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    return {tag: [(event.step, event.value) for event in accumulator.Scalars(tag)]
            for tag in accumulator.Tags()["scalars"]}


def expected(lines):
    """What TensorBoard should show: values in float32, by step."""
    shown = {}
    for line in lines:
        validation = "validation_loss" in line
        for name, value in line.items():
            if name not in ("step", "seconds"):
                tag = "validation/" + name.removeprefix("validation_") if validation else "train/" + name
                shown.setdefault(tag, []).append((line["step"], float(numpy.float32(value))))
    return shown


def start(*arguments):
    return subprocess.Popen([sys.executable, "-B", SCRIPT, *map(str, arguments)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def convert(*arguments):
    process = start(*arguments)
    output, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    return output


@pytest.fixture
def lines():
    content = [training_line(step) for step in range(20)]
    return [*content[:10], validation_line(10, 4.0), *content[10:], validation_line(20, 3.0)]


def test_events_are_the_metrics(lines, tmp_path):
    write_lines(tmp_path / "run", lines)
    convert(tmp_path / "run", "--out", tmp_path / "out")
    assert scalars(tmp_path / "out" / "run") == expected(lines)


def test_times_are_those_of_the_run(lines, tmp_path):
    write_lines(tmp_path / "run", lines)
    os.utime(tmp_path / "run" / "metrics.jsonl", (1_700_000_000, 1_700_000_000))
    convert(tmp_path / "run", "--out", tmp_path / "out")
    accumulator = EventAccumulator(str(tmp_path / "out" / "run")).Reload()
    times = [event.wall_time for event in accumulator.Scalars("train/loss")]
    assert times == pytest.approx([1_700_000_000 - 10.1 + 0.5 * (step + 1) for step in range(20)], abs=1e-3)


def test_a_second_conversion_replaces_the_first(lines, tmp_path):
    write_lines(tmp_path / "run", lines)
    convert(tmp_path / "run", "--out", tmp_path / "out")
    stranger = tmp_path / "out" / "run" / "events.out.tfevents.1.someone"
    stranger.touch()
    write_lines(tmp_path / "run", lines[:5])
    convert(tmp_path / "run", "--out", tmp_path / "out")
    assert scalars(tmp_path / "out" / "run") == expected(lines[:5])
    assert stranger.exists()


def test_torn_and_broken_lines_are_passed_over(lines, tmp_path):
    write_lines(tmp_path / "run", lines[:5], end='\nnonsense\n[1]\n{"step": "x"}\n{"step": 5, "lo')
    convert(tmp_path / "run", "--out", tmp_path / "out")
    assert scalars(tmp_path / "out" / "run") == expected(lines[:5])


def test_what_is_not_finite(tmp_path):
    write_lines(tmp_path / "run", [{"step": 0, "loss": "nan"}, {"step": 1, "loss": "inf"}, {"step": 2, "loss": "-inf"}])
    convert(tmp_path / "run", "--out", tmp_path / "out")
    values = [value for _, value in scalars(tmp_path / "out" / "run")["train/loss"]]
    assert math.isnan(values[0]) and values[1:] == [math.inf, -math.inf]


def test_a_line_that_goes_back_replaces_what_came_after(lines, tmp_path):
    again = [training_line(step, shift=0.5) for step in range(10, 14)]
    write_lines(tmp_path / "run", [*lines, *again])
    convert(tmp_path / "run", "--out", tmp_path / "out")
    assert scalars(tmp_path / "out" / "run") == expected([*lines[:11], *again])  # with the validation after 10 steps


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def test_following_a_run_through_a_rewind_to_its_end(lines, tmp_path):
    run, out = tmp_path / "run", tmp_path / "out" / "run"
    write_lines(run, lines[:5], end="\n" + json.dumps(lines[5])[:10])
    process = start(run, "--out", tmp_path / "out", "--follow")
    try:
        assert wait_until(lambda: out.exists() and scalars(out) == expected(lines[:5]))
        with (run / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(lines[5])[10:] + "\n")
        append(run, *lines[6:16])
        assert wait_until(lambda: scalars(out) == expected(lines[:16]))
        again = [training_line(step, shift=0.5) for step in range(10, 13)]
        write_lines(run, [*lines[:11], *again])
        assert wait_until(lambda: scalars(out) == expected([*lines[:11], *again]))
        assert process.poll() is None
        more = [training_line(13, shift=0.5), validation_line(14, 2.0)]
        append(run, *more)
        (run / "summary.json").write_text("{}")
        output, error = process.communicate(timeout=30)
        assert process.returncode == 0, error
        assert scalars(out) == expected([*lines[:11], *again, *more])
    finally:
        process.kill()


def test_following_ends_with_an_interrupt(lines, tmp_path):
    write_lines(tmp_path / "run", lines)
    process = start(tmp_path / "run", "--out", tmp_path / "out", "--follow")
    assert wait_until(lambda: (tmp_path / "out" / "run").exists()
                      and scalars(tmp_path / "out" / "run") == expected(lines))
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0


def test_runs_of_one_name_get_folders_of_their_own(lines, tmp_path):
    for parent, count in (("a", 3), ("b", 4)):
        write_lines(tmp_path / parent / "run", lines[:count])
    convert(tmp_path / "a" / "run", tmp_path / "b" / "run", "--out", tmp_path / "out")
    assert scalars(tmp_path / "out" / "a" / "run") == expected(lines[:3])
    assert scalars(tmp_path / "out" / "b" / "run") == expected(lines[:4])


def test_no_run(tmp_path):
    process = start(tmp_path, "--out", tmp_path / "out")
    _, error = process.communicate(timeout=60)
    assert process.returncode == 2 and error.count("\n") == 1 and "metrics.jsonl" in error
    assert not (tmp_path / "out").exists()


def test_torch_is_not_needed():
    program = f"import sys; sys.argv = ['x']; sys.path[0] = {str(SCRIPT.parent)!r}; import runpy\n" \
              f"runpy.run_path({str(SCRIPT)!r}, run_name='tested'); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
