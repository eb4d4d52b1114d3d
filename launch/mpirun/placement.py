"""Which cores the ranks get, and mpirun's command line."""

import ctypes
import os
import re
import shutil
import sys
from pathlib import Path

from request import Request, UsageError


def physical_cores() -> int:
    """Cores that this process may use, hyper-threads counted once."""
    cores = set()
    for cpu in os.sched_getaffinity(0):
        topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
        try:
            cores.add((topology.joinpath("physical_package_id").read_text(), topology.joinpath("core_id").read_text()))
        except OSError:
            cores.add((cpu, ""))
    return len(cores)


def restricted() -> bool:
    """Whether this process may use only some of the machine's cores (taskset, a container, a batch system)."""
    return len(os.sched_getaffinity(0)) < (os.cpu_count() or 1)


def core_quota() -> float:
    """Cores' worth of time that the container grants, infinity where there is no limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return float("inf") if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return float("inf")


def ranks_per_host(request: Request) -> int:
    """Most ranks on one host, by the slots of the host file, by Slurm's allocation, or all of them."""
    if request.hostfile:
        lines = [line.split("#")[0].strip() for line in request.hostfile.read_text().splitlines()]
        slots = [re.search(r"slots\s*=\s*(\d+)", line) for line in lines if line]
        return min(request.ranks, max([int(match.group(1)) if match else 1 for match in slots], default=1))
    hosts = int(os.environ.get("SLURM_JOB_NUM_NODES", "1"))
    return -(-request.ranks // hosts)


def process_vm_allowed() -> bool:
    """Whether one process may read another's memory; most containers forbid it."""
    libc = ctypes.CDLL(None, use_errno=True)
    source, target = ctypes.create_string_buffer(8), ctypes.create_string_buffer(8)
    vector = ctypes.c_size_t * 2
    local, remote = vector(ctypes.addressof(target), 8), vector(ctypes.addressof(source), 8)
    return libc.process_vm_readv(os.getpid(), local, 1, remote, 1, 0) == 8


def mpirun_command(request: Request, binary: Path) -> tuple[list[str], dict[str, str]]:
    """mpirun's command line and the environment of the ranks."""
    mpirun = shutil.which("mpirun")
    if not mpirun:
        raise UsageError("no mpirun in PATH: install Open MPI with launch/setup.sh, or load your cluster's module")
    cores, together = physical_cores(), ranks_per_host(request)
    share = cores // together
    command = [mpirun, "-n", str(request.ranks)]
    if share and restricted():
        command += ["--oversubscribe", "--bind-to", "none"]  # Open MPI would bind to cores that are not ours
    elif share:
        command += ["--map-by", f"slot:PE={share}", "--bind-to", "core:if-supported"]
    else:
        command += ["--oversubscribe", "--bind-to", "none"]
        if together > len(os.sched_getaffinity(0)):
            # Not on stderr, which is for what went wrong.
            shared = f"{cores} core{'s' if cores > 1 else ''} of a host"
            print(f"{together} ranks share {shared}: they run unbound and slowly", flush=True)
    if os.geteuid() == 0:
        command += ["--allow-run-as-root"]
    if request.hostfile:
        command += ["--hostfile", str(request.hostfile)]
    if not process_vm_allowed():
        command += ["--mca", "btl_vader_single_copy_mechanism", "none"]
    if not request.debug:
        command += ["--mca", "opal_signal", ""]  # no stack trace of a crashed rank
    environment = dict(os.environ)
    environment.setdefault("OMP_NUM_THREADS", str(max(1, int(min(share, core_quota() / together)))))
    # Open MPI gives every rank a pseudo-terminal, so that a rank cannot see by isatty where its output ends.
    environment["CAUSALFM_TERMINAL"] = "1" if sys.stdout.isatty() else "0"
    for name in ("OMP_NUM_THREADS", "CAUSALFM_TERMINAL"):
        command += ["-x", name]
    return command + [str(binary), *request.arguments], environment
