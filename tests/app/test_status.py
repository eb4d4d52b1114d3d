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

from conftest import command, metrics, run, start, succeed


def status(folder):
    return json.loads(succeed("status", folder, "--json").output)


def start_long_run(small, folder, ranks=None):
    """A run that has taken some steps and goes on."""
    process = start("train", small, "--run", folder, "--set", "train.steps=100000", ranks=ranks, start_new_session=True)
    end = time.monotonic() + 60
    while time.monotonic() < end and not ((folder / "metrics.jsonl").exists() and len(metrics(folder)) > 5):
        time.sleep(0.05)
    if time.monotonic() >= end:
        process.kill()
        pytest.fail("no steps within 60 s: " + process.communicate()[1])
    return process


def age(folder, seconds):
    for file in [folder, *folder.rglob("*")]:
        os.utime(file, (time.time() - seconds, time.time() - seconds))


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
    process = start_long_run(small, folder)
    process.kill()
    process.wait()
    lock = json.loads((folder / "lock.json").read_text())
    state = status(folder)
    assert state["state"] == "gone" and f"process {process.pid} on {socket.gethostname()} is gone" in state["sentence"]
    assert not state["lives"] and state["place"]["hosts"] == lock["hosts"]
    (folder / "lock.json").unlink()
    age(folder, 720)
    state = status(folder)
    assert state["state"] == "silent" and state["sentence"].startswith("silent since 12 min")
    assert state["sentence"].endswith("no lock.json says that it runs")


def test_a_frozen_process_is_silent(small, tmp_path):
    folder = tmp_path / "run"
    process = start_long_run(small, folder)
    try:
        process.send_signal(signal.SIGSTOP)
        age(folder, 720)
        state = status(folder)
        assert state["state"] == "silent" and state["lives"] and state["beat_seconds"] == pytest.approx(720, abs=60)
        assert re.fullmatch(r"silent since 12 min: it has not said that it ended, and lock\.json, renewed every 5 s by a "
                            rf"living run, is 12 min old though process {process.pid} on {socket.gethostname()} exists: "
                            r"it is frozen, or cannot write", state["sentence"])
    finally:
        process.kill()
        process.wait()


ELSEWHERE = ["unshare", "--pid", "--fork", "--uts", "--mount-proc", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]


def status_elsewhere(folder, *options):
    """What status says on a host of another name whose processes are other ones."""
    result = subprocess.run([*ELSEWHERE, *command("status", folder, *options)], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_from_another_host(small, tmp_path):
    if os.geteuid() != 0 or subprocess.run([*ELSEWHERE, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("a host of another name and with other processes needs root and unshare")
    folder = tmp_path / "run"
    process = start_long_run(small, folder, ranks=2)
    lock = json.loads((folder / "lock.json").read_text())
    try:
        here = socket.gethostname()
        unseen = f"process {lock['pid']} on {here} cannot be seen from elsewhere"
        output = status_elsewhere(folder)
        assert output.startswith(f"{folder}: running, as its files tell: {unseen}\n"), output
        assert f"2 on {here}, rank 0 is process {lock['pid']} on {here}, started {lock['started']}\n" in output
        state = json.loads(status_elsewhere(folder, "--json"))
        assert state["state"] == "running" and state["ranks"] == 2 and state["seconds_left"] > 0
        assert state["beat_seconds"] < 60 and "lives" not in state
        assert status(folder)["sentence"] == "running" and status(folder)["lives"]
    finally:
        os.kill(lock["pid"], signal.SIGKILL)
        process.communicate(timeout=60)
    assert json.loads(status_elsewhere(folder, "--json"))["state"] == "running"  # nobody can know better so soon
    age(folder, 720)
    state = json.loads(status_elsewhere(folder, "--json"))
    assert state["state"] == "silent"
    assert state["sentence"] == (
        "silent since 12 min: it has not said that it ended, and lock.json, renewed every 5 s by a living run, is 12 min old; "
        f"{unseen}, so look for it there")
    assert status(folder)["state"] == "gone"


def test_a_run_of_several_hosts_names_them(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder)
    (folder / "lock.json").write_text(json.dumps({"host": "node7", "pid": 41, "ranks": 3, "hosts": ["node7", "node8"]}))
    output = succeed("status", folder).output
    assert "running, as its files tell: process 41 on node7 cannot be seen from " + socket.gethostname() in output
    assert "3 on node7, node8, rank 0 is process 41 on node7\n" in output


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
