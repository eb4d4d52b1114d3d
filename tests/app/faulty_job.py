"""A job under mpirun whose ranks are killed and frozen one by one."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from conftest import SOURCE

RANK = SOURCE / "tests" / "app" / "rank.sh"
MPIRUN = ["mpirun", "--enable-recovery", "--oversubscribe", "--allow-run-as-root", "--bind-to", "none",
          "--mca", "btl_vader_single_copy_mechanism", "none", "--mca", "opal_signal", ""]


def wait_for(condition, seconds, what):
    """The first true value of `condition`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what}: not within {seconds} s")


class FaultyJob:
    """Ranks that end for themselves: mpirun neither ends them nor hides their codes."""

    def __init__(self, folder, arguments, ranks, held=()):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ranks = ranks
        for rank in held:
            self.folder.joinpath(f"hold-{rank}").touch()
        self.output = self.folder / "output"
        self.errors = self.folder / "errors"
        command = [*MPIRUN, "-n", str(ranks), str(RANK), str(self.folder), *map(str, arguments)]
        environment = dict(os.environ, OMP_NUM_THREADS="1")
        self.started = time.monotonic()
        self.mpirun = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.output.open("w"),
                                       stderr=self.errors.open("w"), env=environment, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for rank in range(self.ranks):
            self.signal(rank, signal.SIGKILL)
        self.folder.joinpath("done").touch()
        try:
            self.mpirun.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.mpirun.pid, signal.SIGKILL)
            self.mpirun.wait()

    def process(self, rank):
        file = self.folder / f"pid-{rank}"
        return int(wait_for(lambda: file.exists() and file.read_text(), 30, f"the start of rank {rank}"))

    def signal(self, rank, number):
        """Does nothing to a rank that has ended."""
        if self.folder.joinpath(f"pid-{rank}").exists() and not self.code(rank):
            try:
                os.kill(self.process(rank), number)
            except ProcessLookupError:
                pass

    def code(self, rank):
        """How the rank ended, as text; empty while it lives."""
        file = self.folder / f"code-{rank}"
        return file.read_text().strip() if file.exists() else ""

    def wait(self, ranks, seconds):
        """The codes of these ranks once all have ended."""
        wait_for(lambda: all(self.code(rank) for rank in ranks), seconds,
                 f"the end of ranks {list(ranks)}, codes {[self.code(rank) for rank in ranks]}, said {self.said()}")
        return {rank: int(self.code(rank)) for rank in ranks}

    def said(self):
        return [line for line in self.errors.read_text().splitlines() if line.startswith("causalfm: ")]

    def message(self):
        """The one message of the failure."""
        said = wait_for(self.said, 5, "a message")
        assert len(said) == 1, said
        return said[0]


def boards():
    """What jobs leave in shared memory while not all of their ranks have come."""
    return {file.name for file in Path("/dev/shm").glob(f"causalfm-{os.getuid()}-*")}


def nothing_left_since(before, seconds=10):
    """Jobs of other tests, which start at the same time, take theirs away once their ranks have come."""
    end = time.monotonic() + seconds
    while boards() - before and time.monotonic() < end:
        time.sleep(0.05)
    return not boards() - before


def steps_of(folder):
    """Steps that the run has written down."""
    file = Path(folder) / "metrics.jsonl"
    return [int(step) for step in re.findall(r'"step": ?(\d+)', file.read_text())] if file.exists() else []
