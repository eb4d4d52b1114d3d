"""Ours and the rival as processes that answer "run N" and wait in between."""
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("CAUSALFM_TRAINING_STEP",
                              ROOT / "build" / "benchmarks" / "training_step" / "benchmark_training_step"))
# What causalfm does for itself at its start (src/app/memory.cpp): freed memory is kept for the next step.
KEEP_FREED_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
                     "MALLOC_TOP_PAD_": str(64 << 20)}


@dataclass
class Seconds:
    wall: float
    processor: float


class Contestant:
    """A process that is pinned to `cores`."""

    def __init__(self, name, command, cores, environment):
        self.name = name
        pinned = ["taskset", "-c", ",".join(map(str, cores)), *map(str, command)]
        self._process = subprocess.Popen(pinned, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         env={**os.environ, **environment})

    def run(self, steps):
        """What `steps` of them took."""
        try:
            self._process.stdin.write(f"run {steps}\n")
            self._process.stdin.flush()
            return Seconds(*map(float, self._process.stdout.readline().split()))
        except (TypeError, BrokenPipeError):
            raise SystemExit(f"{self.name} ended instead of answering") from None

    def peak_megabytes(self):
        status = Path("/proc", str(self._process.pid), "status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1e3

    def end(self):
        self._process.stdin.close()
        self._process.wait()


def overrides(case):
    settings = [word for key, value in case.settings().items() for word in ("--set", f"{key}={value}")]
    return settings + (["--masked"] if case.is_masked else [])


def threads(case):
    return {"OMP_NUM_THREADS": str(case.threads)}


def ours(case, cores):
    verb = "time" if case.work == "train" else "embed"
    return Contestant("causalfm", [PROGRAM, verb, *overrides(case)], cores, threads(case))


def rival(case, cores, dump, compiled):
    verb = "time" if case.work == "train" else "embed"
    command = [sys.executable, "-B", ROOT / "benchmarks" / "pytorch_rival.py", verb, dump, "--precision", case.precision,
               "--threads", case.threads, *(["--compile"] if compiled else [])]
    name = "PyTorch, compiled" if compiled else "PyTorch, eager"
    return Contestant(name, command, cores, threads(case) | KEEP_FREED_MEMORY)


def write_dump(case, file):
    """Batch and initial weights for the rival, which sets the precision for itself. Returns whether our configuration
    takes the case's."""
    command = [str(PROGRAM), "dump", str(file), "--inputs-only", *overrides(case)]
    is_known = case.precision == "float32" or subprocess.run(command, capture_output=True).returncode == 0
    subprocess.run([*command, "--set", "train.precision=float32"], check=True)
    return is_known
