"""Two hosts, which are network namespaces joined by one cable, and the cable is cut in mid-run."""

import subprocess
import sys
import time

import h5py
import pytest

from conftest import BINARY, SOURCE
from faulty_job import steps_of, wait_for

sys.path.insert(0, str(SOURCE / "tests"))
from two_hosts import TwoHosts, impossible  # noqa: E402

DEADLINE = 6


@pytest.fixture
def hosts(tmp_path):
    if reason := impossible():
        pytest.skip(reason)
    with TwoHosts(tmp_path) as hosts:
        yield hosts


def start(hosts, folder, small, run):
    """launch/mpirun.sh on the first host, a rank on each; every rank writes down its code."""
    rank = folder / "rank"
    rank.write_text(f'#!/bin/sh\n"{BINARY}" "$@"\ncode=$?\necho $code >"{folder}/code-$OMPI_COMM_WORLD_RANK"\nexit $code\n')
    rank.chmod(0o755)
    arguments = ["train", small, "--run", run, "--set", "train.steps=100000", "--set", "train.checkpoint_every=10",
                 "--set", "train.validate_every=100000", "--set", f"comm.deadline_seconds={DEADLINE}"]
    command, environment = hosts.mpirun(SOURCE, arguments, rank)
    return subprocess.Popen(command, env=environment, stdout=(folder / "output").open("w"),
                            stderr=(folder / "errors").open("w"), stdin=subprocess.DEVNULL)


def test_both_sides_end_and_the_launcher_returns(hosts, small, tmp_path):
    run = tmp_path / "run"
    launcher = start(hosts, tmp_path, small, run)
    wait_for(lambda: len(steps_of(run)) > 12 or launcher.poll() is not None, 90, "the first steps")
    assert launcher.poll() is None, (tmp_path / "errors").read_text()
    hosts.cut()
    begin = time.monotonic()
    codes = [tmp_path / f"code-{rank}" for rank in range(2)]
    wait_for(lambda: all(code.exists() for code in codes), DEADLINE + 10, "the end of both ranks")
    print(f"ranks ended {time.monotonic() - begin:.1f} s after the cut")
    assert [code.read_text().strip() for code in codes] == ["4", "4"]
    launcher.wait(DEADLINE + 30 - (time.monotonic() - begin))
    print(f"the launcher returned {time.monotonic() - begin:.1f} s after the cut")
    errors = (tmp_path / "errors").read_text()
    assert launcher.returncode == 4, errors
    assert "rank 1 on host-1 has been silent for" in errors and "collective" in errors, errors
    with h5py.File(run / "checkpoints" / (run / "checkpoints" / "latest").read_text().strip()) as checkpoint:
        assert checkpoint.attrs["step"] > 0


def test_a_short_cut_costs_nothing(hosts, small, tmp_path):
    run = tmp_path / "run"
    launcher = start(hosts, tmp_path, small, run)
    wait_for(lambda: len(steps_of(run)) > 3 or launcher.poll() is not None, 90, "the first steps")
    hosts.cut()
    time.sleep(2)
    seen = len(steps_of(run))
    hosts.mend()
    wait_for(lambda: len(steps_of(run)) > seen + 20 or launcher.poll() is not None, 60, "more steps")
    assert launcher.poll() is None, (tmp_path / "errors").read_text()
    launcher.terminate()
    assert launcher.wait(60) == 75
