"""What the machine offers: cores, shared memory, GPUs, Slurm."""

import resource
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "mpirun"))

from finding import Answer, absent, ok, run, wrong  # noqa: E402
from placement import core_quota, physical_cores  # noqa: E402

MIB = 1 << 20


def cores(scratch: Path, deadline: float) -> Answer:
    number, quota = physical_cores(), core_quota()
    if quota < number:
        return wrong(f"{number} cores, but the container grants the time of {quota:g}: set runtime.threads so that all "
                     f"ranks together have {max(1, int(quota))}")
    return ok(f"{number}")


def shared_memory(scratch: Path, deadline: float) -> Answer:
    free = shutil.disk_usage("/dev/shm").free
    if free < 64 * MIB:
        return wrong(f"{free // MIB} MiB free in /dev/shm, where MPI exchanges: give the container --shm-size=1g")
    return ok(f"{free // MIB} MiB free in /dev/shm")


def gpus(scratch: Path, deadline: float) -> Answer:
    if not shutil.which("nvidia-smi"):
        return absent("no nvidia-smi: ranks train on the CPU")
    code, said = run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], deadline)
    if code != 0:
        return wrong(f"nvidia-smi: {said}; ask whoever keeps this machine's driver")
    return ok(f"{said}; build with launch/build.sh --cuda")


def slurm(scratch: Path, deadline: float) -> Answer:
    if not shutil.which("srun"):
        return absent("no srun in PATH")
    code, said = run(["sinfo", "--noheader"], deadline)
    if code != 0:
        return absent(f"srun is installed, but no cluster answers ({said})")
    _, said = run(["sh", "-c", "srun --mpi=list 2>&1 | tr '\\n' ' '"], deadline)
    if "pmix" not in said.split():
        return wrong("srun has no PMIx: set CAUSALFM_LAUNCHER=mpirun for the scripts of scripts/slurm")
    return ok("srun with PMIx")


def open_files(scratch: Path, deadline: float) -> Answer:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return ok(f"{limit}") if limit >= 256 else wrong(f"{limit} open files a process: ulimit -n 1024")


CHECKS = (("cores", cores), ("shared memory", shared_memory), ("open files", open_files), ("GPUs", gpus),
          ("Slurm", slurm))
