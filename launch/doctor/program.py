"""Whether the program starts, has this Python's torch, writes and reads HDF5, trains, and does so on two ranks."""

import importlib.metadata
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "mpirun"))

from finding import Answer, absent, ok, run, wrong  # noqa: E402
from request import UsageError, find_binary  # noqa: E402

CONFIGURATION = """\
simulation: {stars: 40, instruments: 4, curves_per_star: 5, stellar_parameters: 4, instrument_terms: 3, length: 24}
data: {validation_stars: 0.2, test_stars: 0.1}
model: {encoder: mlp, width: 8, heads: 2, feed_forward: 8, blocks: 1, kernel: 3, latent: 4}
loss: {temperature: 0.5}
train: {batch_triplets: 4, steps: 3, validate_every: 3, validation_triplets: 8, checkpoint_every: 3}
comm: {deadline_seconds: 20}
runtime: {threads: 1, device: cpu}
"""


def configuration(scratch: Path) -> Path:
    file = scratch / "doctor.yaml"
    file.write_text(CONFIGURATION)
    return file


def starts(scratch: Path, deadline: float) -> Answer:
    try:
        binary = find_binary()
    except UsageError as error:
        return wrong(str(error))
    code, said = run([binary, "--version"], deadline)
    return ok(f"{binary}") if code == 0 else wrong(f"{binary} --version: {said}; build it again with launch/build.sh")


def torch(scratch: Path, deadline: float) -> Answer:
    _, built = run(["sh", "-c", "\"$0\" --version | sed -n 's/^LibTorch //p'", find_binary()], deadline)
    try:
        version = importlib.metadata.version("torch").split("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return absent(f"{sys.executable} has no torch: only a build or a bundle needs it, {built}")
    return ok(version) if version == built else wrong(f"torch {version} in {sys.executable}: install torch=={built}")


def writes_and_reads(scratch: Path, deadline: float) -> Answer:
    binary = find_binary()
    for command in (["simulate", configuration(scratch), "--out", scratch / "data"],
                    ["inspect", scratch / "data", "--verify"]):
        code, said = run([binary, *command], deadline)
        if code != 0:
            return wrong(f"causalfm {command[0]}: {said}")
    return ok("a data set was written, read and verified")


def trains(scratch: Path, deadline: float) -> Answer:
    code, said = run([find_binary(), "train", configuration(scratch), "--run", scratch / "one"], deadline)
    return ok("three steps on one process") if code == 0 else wrong(f"causalfm train: {said}")


def ranks_talk(scratch: Path, deadline: float) -> Answer:
    launcher = HERE.parent / "mpirun.sh"
    code, said = run([launcher, "2", "train", configuration(scratch), "--run", scratch / "two"], deadline,
                     env=dict(os.environ, CAUSALFM_BINARY=str(find_binary())))
    if code != 0:
        return wrong(f"launch/mpirun.sh 2 train: {said}; `mpirun -n 2 hostname` shows whether MPI itself works")
    ranks = json.loads((scratch / "two" / "summary.json").read_text())["ranks"]
    if ranks != 2:
        return wrong(f"the two processes trained as {ranks} rank each: mpirun is of another MPI than the program's")
    one, two = (last_loss(scratch / name) for name in ("one", "two"))
    if abs(one - two) > 1e-4 * abs(one):
        return wrong(f"two ranks end at a loss of {two}, one process at {one}: please report it")
    return ok("two ranks trained together, to the loss of one process")


def last_loss(folder: Path) -> float:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line][-1]


def after_start(check):
    """Without a program there is nothing to try."""

    def guarded(scratch: Path, deadline: float) -> Answer:
        try:
            find_binary()
        except UsageError:
            return absent("not tried: there is no program")
        return check(scratch, deadline)

    return guarded


CHECKS = (
    ("program", starts),
    ("torch", after_start(torch)),
    ("HDF5", after_start(writes_and_reads)),
    ("training", after_start(trains)),
    ("MPI", after_start(ranks_talk)),
)
