"""Two hosts, which are network namespaces joined by one cable, and the cable is cut in mid-run."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import h5py
import pytest

from conftest import BINARY, SOURCE
from faulty_job import steps_of, wait_for

DEADLINE = 6
NAMES = [f"cfm{os.getpid()}{side}" for side in "ab"]
ADDRESSES = ["10.213.77.1", "10.213.77.2"]


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


def impossible():
    """Why this machine cannot play two hosts; empty when it can."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"):
        return "two network namespaces need root, ip and unshare"
    probe = f"cfm{os.getpid()}"
    if ip("netns", "add", probe, check=False).returncode != 0:
        return "this machine lets nobody make a network namespace"
    pair = ip("-n", probe, "link", "add", "v0", "type", "veth", "peer", "name", "v1", check=False)
    ip("netns", "del", probe)
    return "this machine has no veth pairs" if pair.returncode != 0 else ""


@pytest.fixture
def hosts():
    if reason := impossible():
        pytest.skip(reason)
    try:
        for name in NAMES:
            ip("netns", "add", name)
        ip("link", "add", "cable0", "netns", NAMES[0], "type", "veth", "peer", "name", "cable1", "netns", NAMES[1])
        for side, name in enumerate(NAMES):
            ip("-n", name, "address", "add", f"{ADDRESSES[side]}/24", "dev", f"cable{side}")
            ip("-n", name, "link", "set", f"cable{side}", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield
    finally:
        for name in NAMES:
            for process in ip("netns", "pids", name, check=False).stdout.split():
                subprocess.run(["kill", "-9", process], check=False)
            ip("netns", "del", name, check=False)


def write_program(file, text):
    file.write_text("#!/bin/sh\n" + text)
    file.chmod(0o755)
    return file


def in_host(side):
    """The beginning of a command line that runs on that host."""
    return f"ip netns exec {NAMES[side]} unshare --uts sh -c 'hostname host-{side} && exec \"$@\"' sh"


def start(folder, small, run):
    """launch/mpirun.sh on the first host, a rank on each; every rank writes down its code."""
    hostfile = folder / "hosts"
    hostfile.write_text("".join(f"{address} slots=1\n" for address in ADDRESSES))
    agent = write_program(folder / "agent", f"shift\nexec {in_host(1)} sh -c \"$*\"\n")
    rank = write_program(folder / "rank", f'"{BINARY}" "$@"\ncode=$?\necho $code >"{folder}/code-$OMPI_COMM_WORLD_RANK"\n'
                                          'exit $code\n')
    environment = dict(os.environ, CAUSALFM_BINARY=str(rank), OMPI_MCA_plm_rsh_agent=str(agent),
                       OMPI_MCA_btl_tcp_if_include="10.213.77.0/24", OMPI_MCA_oob_tcp_if_include="10.213.77.0/24",
                       OMPI_MCA_btl="self,tcp", OMPI_MCA_orte_keep_fqdn_hostnames="1")
    command = [SOURCE / "launch" / "mpirun.sh", "--hostfile", hostfile, "2", "train", small, "--run", run,
               "--set", "train.steps=100000", "--set", "train.checkpoint_every=10",
               "--set", "train.validate_every=100000", "--set", f"comm.deadline_seconds={DEADLINE}"]
    text = " ".join(f"'{part}'" for part in command)
    return subprocess.Popen(["sh", "-c", f"exec {in_host(0)} {text}"], env=environment, stdout=(folder / "output").open("w"),
                            stderr=(folder / "errors").open("w"), stdin=subprocess.DEVNULL)


def test_both_sides_end_and_the_launcher_returns(hosts, small, tmp_path):
    run = tmp_path / "run"
    launcher = start(tmp_path, small, run)
    wait_for(lambda: len(steps_of(run)) > 12 or launcher.poll() is not None, 90, "the first steps")
    assert launcher.poll() is None, (tmp_path / "errors").read_text()
    ip("-n", NAMES[0], "link", "set", "cable0", "down")
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
    launcher = start(tmp_path, small, run)
    wait_for(lambda: len(steps_of(run)) > 3 or launcher.poll() is not None, 90, "the first steps")
    ip("-n", NAMES[0], "link", "set", "cable0", "down")
    time.sleep(2)
    seen = len(steps_of(run))
    ip("-n", NAMES[0], "link", "set", "cable0", "up")
    wait_for(lambda: len(steps_of(run)) > seen + 20 or launcher.poll() is not None, 60, "more steps")
    assert launcher.poll() is None, (tmp_path / "errors").read_text()
    launcher.terminate()
    assert launcher.wait(60) == 75
