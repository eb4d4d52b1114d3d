"""causalfm status and compare, on runs that ended, run, were killed."""

import json
import os
import re
import signal
import socket
import statistics
import subprocess
import time

import pytest

from conftest import command, metrics, run, succeed


def status(folder):
    return json.loads(succeed("status", folder, "--json").output)


@pytest.fixture
def trained(small, tmp_path):
    succeed("train", small, "--run", tmp_path / "run")
    return tmp_path / "run"


def test_a_completed_run(trained):
    state = status(trained)
    lines = metrics(trained, clock=True)
    validations = [line for line in lines if "validation_loss" in line]
    best = min(validations, key=lambda line: line["validation_loss"])
    assert state["state"] == "completed" and state["steps_done"] == state["steps"] == 20
    assert state["last_training"] == [line for line in lines if "loss" in line][-1]
    assert state["last_validation"] == validations[-1] and state["best_validation"] == best
    rates = [line["curves_per_second"] for line in lines if "loss" in line]
    assert state["curves_per_second"] == pytest.approx(statistics.harmonic_mean(rates), rel=1e-9)
    assert state["latest_checkpoint"]["step"] == 20 and state["best_checkpoint"]["step"] == best["step"]
    assert state["ranks"] == 1 and "seconds_left" not in state
    output = succeed("status", trained).output
    assert output.startswith(f"{trained}: completed: all steps done\n")
    assert "20 of 20 (100.0 %)" in output and f"loss {best['validation_loss']:.4f}" in output


def test_no_run(tmp_path):
    result = run("status", tmp_path)
    assert result.code == 2 and "no config.yaml" in result.error


def test_a_failed_run_says_why(small, tmp_path):
    assert run("train", small, "--run", tmp_path / "run", "--set", "train.learning_rate=10",
               "--set", "train.steps=500").code == 5
    state = status(tmp_path / "run")
    assert state["state"] == "failed"
    assert state["reason"] == json.loads((tmp_path / "run" / "summary.json").read_text())["reason"]
    assert state["sentence"] == "failed: " + state["reason"]


def test_while_it_runs_and_after_each_end(small, tmp_path):
    folder = tmp_path / "run"
    settings = ("--set", "train.steps=100000", "--set", "train.checkpoint_every=10")
    process = subprocess.Popen(command("train", small, "--run", folder, *settings), stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and not (folder / "checkpoints" / "latest").exists():
            time.sleep(0.05)
        state = status(folder)
        assert state["state"] == "running" and state["steps"] == 100000
        assert 0 < state["steps_done"] < 100000 and state["ranks"] == 1
        left = state["seconds_a_step"] * (100000 - state["steps_done"])
        assert state["seconds_left"] == pytest.approx(left) and state["silent_seconds"] < 30
        steps = r": running\nsteps +[\d,]+ of 100,000 \(\d+\.\d %\), .* left\n"
        assert re.search(steps, succeed("status", folder).output)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 75
        assert status(folder)["state"] == "interrupted"
    finally:
        process.kill()
        process.wait()


def test_a_killed_run_is_gone_or_silent(small, tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen(command("train", small, "--run", folder, "--set", "train.steps=100000"),
                               stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while time.monotonic() < end and not ((folder / "metrics.jsonl").exists() and len(metrics(folder)) > 5):
        time.sleep(0.05)
    process.kill()
    process.wait()
    lock = json.loads((folder / "lock.json").read_text())
    state = status(folder)
    assert state["state"] == "gone" and f"process {process.pid} on {socket.gethostname()} is gone" in state["sentence"]
    (folder / "lock.json").write_text(json.dumps({**lock, "process_space": "another machine", "hosts": ["a", "b"]}))
    assert status(folder)["state"] == "running" and status(folder)["place"]["hosts"] == ["a", "b"]
    (folder / "lock.json").unlink()
    for file in [folder, *folder.rglob("*")]:
        os.utime(file, (time.time() - 720, time.time() - 720))
    state = status(folder)
    assert state["state"] == "silent" and state["sentence"].startswith("silent since 12 min")


def test_a_reader_needs_no_right_to_write(trained):
    files = [trained, *trained.rglob("*")]
    before = {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in files}
    succeed("status", trained)
    succeed("compare", trained, trained)
    assert sorted(files) == sorted([trained, *trained.rglob("*")])
    assert before == {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in files}


def test_compare(trained, small, tmp_path):
    other, third = tmp_path / "other", tmp_path / "third"
    succeed("train", small, "--run", other, "--set", "seed=4", "--set", "train.steps=10")
    succeed("train", small, "--run", third, "--set", "train.steps=10", "--set", "train.validate_every=100")
    compared = json.loads(succeed("compare", third, trained, other, "--json").output)
    values = []
    for row in compared["runs"]:
        lines = metrics(row["run"], clock=True)
        best = min((line for line in lines if "validation_loss" in line), key=lambda line: line["validation_loss"])
        assert row["best_step"] == best["step"] and row["best_value"] == best["validation_loss"]
        assert row["best_validation"] == best
        rates = [line["curves_per_second"] for line in lines if "loss" in line]
        assert row["median_curves_per_second"] == pytest.approx(statistics.median(rates), rel=1e-12)
        assert row["steps"] == len(rates) and row["ranks"] == 1
        assert row["hours"] == json.loads(open(row["run"] + "/summary.json").read())["seconds"] / 3600
        values.append(row["best_value"])
    assert values == sorted(values)
    order = [row["run"] for row in compared["runs"]]
    expected = {"seed": {other: "4", trained: "3", third: "3"},
                "train.steps": {other: "10", trained: "20", third: "10"},
                "train.validate_every": {other: "10", trained: "10", third: "100"}}
    assert compared["differences"] == {
        key: [of_run[next(run for run in of_run if str(run) == name)] for name in order]
        for key, of_run in expected.items()}
    lines = succeed("compare", third, trained, other).output.splitlines()
    assert [line.split()[0] for line in lines if line] == ["run", *order, "key", *expected]


def test_compare_needs_two_runs(trained):
    assert run("compare", trained).code == 2
    assert run("compare", trained, trained / "none").code == 2
