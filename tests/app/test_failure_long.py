"""Fifty accidents at random: any rank of two to four is killed or frozen in any phase."""

import random
import signal
import time

import h5py
import pytest

from conftest import BINARY, succeed
from faulty_job import FaultyJob, boards, nothing_left_since, steps_of, wait_for
from test_failure import DEADLINE, HOST, JOB_END, check_survivors, survivors

CASES = 50
SETTINGS = ("--set", "train.steps=100000", "--set", "train.validate_every=4", "--set", "train.checkpoint_every=3",
            "--set", "train.validation_triplets=200", "--set", f"comm.deadline_seconds={DEADLINE}")
PHASES = ("before MPI_Init", "start", "step", "validation", "checkpoint", "before finalize")


def wait_for_phase(phase, job, victim, run, chance):
    """Returns when the victim is about to be in the phase; some luck decides whether it is."""
    if phase == "start":
        job.process(victim)
        time.sleep(chance.uniform(0, 1.5))
        return
    wait_for(lambda: len(steps_of(run)) > 3, 90, "the first steps")
    steps = set(steps_of(run))
    if phase == "checkpoint":
        files = set((run / "checkpoints").iterdir())
        wait_for(lambda: set((run / "checkpoints").iterdir()) - files, 60, "the next checkpoint")
    elif phase == "validation":
        wait_for(lambda: max(steps_of(run)) % 4 == 3 and max(steps_of(run)) not in steps, 60, "the next validation")
    else:
        time.sleep(chance.uniform(0, 0.3))


@pytest.mark.parametrize("case", range(CASES))
def test_survivors_end_with_4_and_the_run_goes_on(small, tmp_path, case):
    chance = random.Random(1000 + case)
    ranks, phase = chance.choice([2, 3, 4]), PHASES[case % len(PHASES)]
    victim, accident = chance.randrange(ranks), chance.choice([signal.SIGKILL, signal.SIGSTOP])
    run, before = tmp_path / "run", boards()
    arguments = [BINARY, "train", small, "--run", run, *SETTINGS]
    if phase == "before finalize":
        arguments = [JOB_END, "end", "kill" if accident == signal.SIGKILL else "stop", victim, DEADLINE]
    held = [victim] if phase == "before MPI_Init" else []
    with FaultyJob(tmp_path / "job", arguments, ranks, held=held) as job:
        if phase not in ("before MPI_Init", "before finalize"):
            wait_for_phase(phase, job, victim, run, chance)
            job.signal(victim, accident)
        begin = time.monotonic()
        codes = job.wait(survivors(ranks, victim), DEADLINE + (10 if phase != "before finalize" else 40))
        what = f"{phase}, {accident.name} of rank {victim} of {ranks}: {codes}, {job.said()}"
        print(f"{what}, {time.monotonic() - begin:.1f} s")
        assert set(codes.values()) == {4}, what
        message = job.message()
        assert HOST in message and ("rank" in message), what
    assert nothing_left_since(before)
    latest = run / "checkpoints" / "latest"
    if latest.exists():
        with h5py.File(run / "checkpoints" / latest.read_text().strip()) as checkpoint:
            step = int(checkpoint.attrs["step"])
        if case % 3 == 0:
            succeed("train", small, "--run", run, *SETTINGS[2:], "--set", f"train.steps={step + 1}")


@pytest.mark.parametrize("phase, accident, victim", [("before-start", "kill", 0), ("start", "kill", 2),
                                                     ("start", "stop", 0), ("collective", "kill", 0),
                                                     ("collective", "stop", 2), ("end", "kill", 2),
                                                     ("end", "stop", 0)])
def test_other_ends(tmp_path, phase, accident, victim):
    check_survivors(tmp_path, phase, accident, victim)
