"""Ours and the rival as processes that answer "run N" and wait in between."""
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
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
    """Processes that work together, a command each, all of which answer."""

    def __init__(self, name, commands, environments):
        self.name = name
        self._processes = [
            subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, **environment})
            for command, environment in zip(commands, environments)
        ]
        self._inputs = [process.stdin for process in self._processes]

    def run(self, steps):
        """What `steps` of them took the slowest."""
        try:
            for ranks_input in self._inputs:
                ranks_input.write(f"run {steps}\n")
                ranks_input.flush()
            answers = [tuple(map(float, process.stdout.readline().split())) for process in self._processes]
            return Seconds(*map(max, zip(*answers, strict=True)))
        except (TypeError, BrokenPipeError):
            raise SystemExit(f"{self.name} ended instead of answering") from None

    def peak_megabytes(self):
        """Of the largest process."""
        return max(map(peak_megabytes, self._identities()))

    def _identities(self):
        return [process.pid for process in self._processes]

    def end(self):
        for ranks_input in self._inputs:
            ranks_input.close()
        for process in self._processes:
            process.wait()


class MpiContestant(Contestant):
    """Ranks under one mpirun, of which the first answers. Each reads a pipe of its own, for mpirun has input for one."""

    def __init__(self, name, commands, environment):
        self._folder = tempfile.TemporaryDirectory()
        pipes = [Path(self._folder.name, str(rank)) for rank in range(len(commands))]
        launcher = ["mpirun", "--allow-run-as-root", "--bind-to", "none", "--oversubscribe"]
        for pipe, command in zip(pipes, commands):
            os.mkfifo(pipe)
            launcher += [":"] * (pipe != pipes[0]) + ["-n", "1", "sh", "-c", 'exec "$@" <"$0"', pipe, *command]
        super().__init__(name, [launcher], [environment])
        # For reading as well: to open a pipe for writing alone waits for its reader.
        self._inputs = [open(os.open(pipe, os.O_RDWR), "w") for pipe in pipes]

    def _identities(self):
        launcher = self._processes[0].pid
        return [int(child) for child in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()]

    def end(self):
        super().end()
        self._folder.cleanup()


def peak_megabytes(identity):
    status = Path("/proc", str(identity), "status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1e3


def cores_of(case):
    """For each rank as taskset writes them."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < case.cores:
        raise SystemExit(f"{case.name} needs {case.cores} cores")
    return [",".join(map(str, cores[rank * case.threads:(rank + 1) * case.threads])) for rank in range(case.ranks)]


def overrides(case):
    settings = [word for key, value in case.settings().items() for word in ("--set", f"{key}={value}")]
    return settings + (["--masked"] if case.is_masked else [])


def threads(case):
    return {"OMP_NUM_THREADS": str(case.threads)}


def ours(case):
    work = [PROGRAM, "time" if case.work == "train" else "embed", *overrides(case)]
    pinned = [["taskset", "-c", cores, *work] for cores in cores_of(case)]
    if case.ranks == 1:
        return Contestant("causalfm", pinned, [threads(case)])
    return MpiContestant("causalfm", pinned, threads(case))


def rival(case, dump, compiled):
    work = [sys.executable, "-B", ROOT / "benchmarks" / "pytorch_rival.py", "time" if case.work == "train" else "embed",
            dump, "--precision", case.precision, "--threads", case.threads, *(["--compile"] if compiled else [])]
    commands = [["taskset", "-c", cores, *work] for cores in cores_of(case)]
    environments = [threads(case) | KEEP_FREED_MEMORY | job for job in jobs(case)]
    return Contestant("PyTorch, compiled" if compiled else "PyTorch, eager", commands, environments)


def jobs(case):
    """What torchrun tells each rank."""
    if case.ranks == 1:
        return [{}]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return [{"RANK": str(rank), "WORLD_SIZE": str(case.ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            for rank in range(case.ranks)]


def write_dump(case, file):
    """Batch and initial weights for the rival, which sets the precision for itself. Returns whether our configuration
    takes the case's."""
    def dump(precision, **options):
        command = [PROGRAM, "dump", file, "--inputs-only", *overrides(replace(case, precision=precision))]
        return subprocess.run(list(map(str, command)), **options).returncode == 0

    return dump("float32", check=True) and (case.precision == "float32" or dump(case.precision, capture_output=True))
