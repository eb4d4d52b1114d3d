"""Ranks that die, freeze and throw: every other ends by itself, soon, with one code; one message says what happened."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import h5py
import pytest

from conftest import BINARY, command, metrics, succeed
from faulty_job import FaultyJob, boards, nothing_left_since, steps_of, wait_for

JOB_END = Path(BINARY).parent / "tests" / "app_job_end"
HOST = socket.gethostname()
DEADLINE = 4
LONG = ("--set", "train.steps=100000", "--set", "train.validate_every=50", "--set", "train.checkpoint_every=20",
        "--set", f"comm.deadline_seconds={DEADLINE}")


def ends(folder, phase, accident, victim, ranks=3):
    return FaultyJob(folder, [JOB_END, phase, accident, victim, DEADLINE], ranks)


def survivors(ranks, victim):
    return [rank for rank in range(ranks) if rank != victim]


# The other half of the cases is in test_failure_long.py.
@pytest.mark.parametrize("phase, accident, victim", [("before-start", "stop", 2), ("start", "kill", 0),
                                                     ("start", "stop", 2), ("collective", "kill", 2),
                                                     ("collective", "stop", 0), ("end", "kill", 0),
                                                     ("end", "stop", 2)])
def test_survivors_end_with_4(tmp_path, phase, accident, victim):
    check_survivors(tmp_path, phase, accident, victim)


def check_survivors(tmp_path, phase, accident, victim):
    before = boards()
    with ends(tmp_path / "job", phase, accident, victim) as job:
        codes = job.wait(survivors(3, victim), DEADLINE + 15)
        assert set(codes.values()) == {4}, (codes, job.said())
        message = job.message()
    if phase == "before-start":
        assert "has not started" in message and HOST in message
    else:
        assert f"rank {victim} on {HOST}" in message
        assert ("died" if accident == "kill" else "silent") in message
    if phase == "collective":
        assert re.search(r"in step \d, at all_reduce \(sum\) of 1000 float32 for gradients", message)
    assert nothing_left_since(before)


@pytest.mark.parametrize("phase", ["start", "collective"])
def test_one_ranks_exception_is_everybodys(tmp_path, phase):
    with ends(tmp_path / "job", phase, "throw", 1) as job:
        assert set(job.wait(range(3), DEADLINE + 10).values()) == {3}
        assert job.message() == "causalfm: rank 1: a shard is broken"


def test_what_all_ranks_meet_is_said_without_a_rank(tmp_path):
    with ends(tmp_path / "job", "start", "throw-everywhere", 1) as job:
        assert set(job.wait(range(3), DEADLINE + 10).values()) == {3}
        assert job.message() == "causalfm: all shards are broken"


@pytest.mark.parametrize("accident, victim", [("KILL", 1), ("KILL", 0), ("STOP", 1)])
def test_training_ends_with_4(small, tmp_path, accident, victim):
    run = tmp_path / "run"
    with FaultyJob(tmp_path / "job", [BINARY, "train", small, "--run", run, *LONG], ranks=3) as job:
        # Rank 0 hears what another is at a tenth of a second late, by when a small model has done many steps.
        wait_for(lambda: len(steps_of(run)) > 200, 60, "steps that all have heard of")
        job.signal(victim, getattr(signal, f"SIG{accident}"))
        begin = time.monotonic()
        codes = job.wait(survivors(3, victim), DEADLINE + 10)
        assert set(codes.values()) == {4}, (codes, job.said())
        if accident == "KILL":
            assert time.monotonic() - begin < 3
        message = job.message()
    assert f"rank {victim} on {HOST}" in message and "step" in message and "collective" in message


def test_a_rank_that_freezes_for_a_while_costs_nothing(small, tmp_path):
    run = tmp_path / "run"
    settings = ("--set", "train.steps=60", "--set", "comm.deadline_seconds=30")
    with FaultyJob(tmp_path / "job", [BINARY, "train", small, "--run", run, *settings], ranks=2) as job:
        wait_for(lambda: len(steps_of(run)) > 3, 60, "the first steps")
        job.signal(1, signal.SIGSTOP)
        time.sleep(4)
        job.signal(1, signal.SIGCONT)
        assert set(job.wait(range(2), 60).values()) == {0}
        assert not job.said()
    assert json.loads((run / "summary.json").read_text())["ended"] == "completed"


def test_a_shard_that_is_broken_for_one_rank(small, tmp_path):
    data = tmp_path / "job" / "home-0" / "data"
    succeed("simulate", small, "--out", data)
    broken = tmp_path / "job" / "home-1" / "data"
    shutil.copytree(data, broken)
    for shard in broken.glob("*.h5"):
        with shard.open("r+b") as file:
            file.truncate(shard.stat().st_size // 2)
    arguments = [BINARY, "train", small, "--run", tmp_path / "run", *LONG, "--set", "data.path=data"]
    with FaultyJob(tmp_path / "job", arguments, ranks=2) as job:
        assert set(job.wait(range(2), 60).values()) == {3}
        assert job.message().startswith("causalfm: rank 1: ") and ".h5" in job.message()


def test_as_a_user_starts_it(small, tmp_path):
    run = tmp_path / "run"
    environment = dict(os.environ, CAUSALFM_BINARY=str(BINARY))
    process = subprocess.Popen(command("train", small, "--run", run, *LONG, ranks=3), env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: any((run / "checkpoints").glob("step-*.h5")), 60, "the first checkpoint")
    victim = ranks_below(process.pid)[1]
    os.kill(victim, signal.SIGKILL)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 4, errors
    assert errors.count("causalfm: ") == 1 and "rank" in errors, errors
    latest = (run / "checkpoints" / "latest").read_text().strip()
    with h5py.File(run / "checkpoints" / latest) as checkpoint:
        step = int(checkpoint.attrs["step"])
    result = succeed("train", small, "--run", run, "--set", f"train.steps={step + 5}", *LONG[2:], ranks=3)
    assert f"resuming from step {step}" in result.output
    assert [line["step"] for line in metrics(run) if "loss" in line] == list(range(step + 5))


def ranks_below(launcher):
    """The processes of the program that this launcher's mpirun has started, in order."""
    children = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = entry.joinpath("stat").read_text().rsplit(")", 1)[1].split()
            children.setdefault(int(fields[1]), []).append(int(entry.name))
        except OSError:
            pass
    found, waiting = [], [launcher]
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        try:
            if Path(f"/proc/{process}/exe").resolve() == Path(BINARY).resolve():
                found.append(process)
        except OSError:
            pass
    return sorted(found)
