"""Makes command lines of sbatch out of settings and a task, and hands them to Slurm."""

from __future__ import annotations  # login nodes have old Pythons

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
USAGE = """\
usage: scripts/slurm/submit.sh [OPTION]... TASK

  train CONFIG [ARGS]...                            scripts/slurm/train.sbatch
  evaluate [embed|evaluate] ARGS...                 scripts/slurm/evaluate.sbatch
  chain CONFIG --run RUN --data DATA --out OUT [ARGS]...
                                                    train, then embed, then evaluate, each if the former went well
  sweep DIR                                         a job array of what `causalfm sweep run SWEEP.yaml --out DIR
                                                    --launcher slurm` has prepared, one array a rung

  --account NAME, --partition NAME, --time LIMIT, --nodes N, --gpus-per-node N, --ntasks-per-node N,
  --cpus-per-task N   as for sbatch
  --settings FILE     the same from a file of lines KEY: VALUE, as `gpus_per_node: 4`; options win over it
  --dry-run           print the commands and submit nothing
"""
SETTINGS = ("account", "partition", "time", "nodes", "gpus_per_node", "ntasks_per_node", "cpus_per_task")


class UsageError(Exception):
    """What was asked for cannot be submitted; the text is a sentence with a remedy."""


def read_settings(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror}); give the path of a file") from error
    settings = {}
    for number, line in enumerate(lines, 1):
        line = line.split(" #")[0].strip()
        if not line or line.startswith("#"):
            continue
        key, colon, value = line.partition(":")
        key, value = key.strip(), value.strip().strip("\"'")
        if not colon or not value or key not in SETTINGS:
            raise UsageError(f"{file}:{number}: '{line}' is no setting; the keys are {', '.join(SETTINGS)}")
        settings[key] = value
    return settings


def read_options(arguments: list[str]) -> tuple[dict[str, str], bool, list[str]]:
    """Settings, whether this is a dry run, and the task with its arguments."""
    given, file, dry = {}, None, False
    rest = list(arguments)
    while rest and rest[0].startswith("--"):
        option, equals, value = rest.pop(0).partition("=")
        if option == "--help":
            print(USAGE)
            sys.exit(0)
        if option == "--dry-run":
            dry = True
            continue
        key = option.removeprefix("--").replace("-", "_")
        if key not in (*SETTINGS, "settings"):
            raise UsageError(f"unknown option {option} before the task; see submit.sh --help")
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise UsageError(f"{option} needs a value")
            value = rest.pop(0)
        if key == "settings":
            file = Path(value)
        else:
            given[key] = value
    return {**(read_settings(file) if file else {}), **given}, dry, rest


class Queue:
    """Submits, or prints what would be submitted."""

    def __init__(self, settings: dict[str, str], dry: bool):
        self._options = [f"--{key.replace('_', '-')}={settings[key]}" for key in SETTINGS if key in settings]
        self._dry = dry
        self._submitted = 0

    def of_one_rank(self) -> tuple[str, ...]:
        """Options that leave one rank, and a GPU for it if there were any; the last of equal options counts."""
        gpu = ("--gpus-per-node=1",) if any(option.startswith("--gpus") for option in self._options) else ()
        return "--nodes=1", "--ntasks-per-node=1", *gpu

    def submit(self, script: str, arguments: list[str], after: str | None = None, options: tuple[str, ...] = ()) -> str:
        """The number of the job; `after` is a dependency, as afterok:12."""
        command = ["sbatch", "--parsable", *self._options, *options]
        if after:
            command += [f"--dependency={after}", "--kill-on-invalid-dep=yes"]
        command += [str(HERE / script), *arguments]
        self._submitted += 1
        if self._dry:
            print(shlex.join(command))
            return f"JOB{self._submitted}"
        if not shutil.which("sbatch"):
            raise UsageError("there is no sbatch in PATH: run this on a login node of a Slurm cluster")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise UsageError(f"sbatch refused: {' '.join(done.stderr.split())}; correct the options or the settings")
        job = done.stdout.strip().split(";")[0]
        print(f"submitted {script} as job {job}")
        return job


def take(arguments: list[str], name: str) -> str:
    """Removes `name VALUE` and returns the value."""
    for place, argument in enumerate(arguments):
        if argument == name and place + 1 < len(arguments):
            del arguments[place]
            return arguments.pop(place)
        if argument.startswith(name + "="):
            return arguments.pop(place).partition("=")[2]
    raise UsageError(f"chain needs {name}; see submit.sh --help")


def chain(queue: Queue, arguments: list[str]) -> None:
    run, data, out = (take(arguments, name) for name in ("--run", "--data", "--out"))
    train = queue.submit("train.sbatch", [*arguments, "--run", run, "--set", f"data.path={data}"])
    latents = f"{run}/embeddings.h5"
    embed = queue.submit("evaluate.sbatch", ["embed", "--run", run, "--data", data, "--out", latents],
                         f"afterok:{train}")
    queue.submit("evaluate.sbatch", ["evaluate", "--run", run, "--data", data, "--out", out], f"afterok:{embed}",
                 queue.of_one_rank())


def binary() -> str:
    own = HERE.parent.parent / "build" / "causalfm"
    found = os.environ.get("CAUSALFM_BINARY") or (str(own) if own.exists() else shutil.which("causalfm"))
    if not found:
        raise UsageError(f"no program {own} and no causalfm in PATH: build it, or set CAUSALFM_BINARY")
    return found


def sweep(queue: Queue, folder: str) -> None:
    listed = subprocess.run([binary(), "sweep", "list", folder], capture_output=True, text=True, check=False)
    if listed.returncode != 0 or not Path(folder).is_dir():
        said = listed.stderr.strip().removeprefix("causalfm: ")
        raise UsageError(said or f"{folder}: is no folder of a sweep; run causalfm sweep run SWEEP.yaml --launcher slurm")
    rungs = [int(line.split("\t")[0]) for line in listed.stdout.splitlines()]
    path, former = str(Path(folder).resolve()), None
    for rung in range(max(rungs) + 1):
        # A member that failed must not keep the next rung from its turn: it counts as worst there.
        former = queue.submit("sweep.sbatch", [path, "--rung", str(rung)], f"afterany:{former}" if former else None,
                              (f"--array=0-{rungs.count(rung) - 1}", f"--output={path}/output/slurm-%A_%a.txt"))


def main(arguments: list[str]) -> int:
    try:
        settings, dry, task = read_options(arguments)
        queue = Queue(settings, dry)
        kind, rest = (task[0], task[1:]) if task else ("", [])
        if kind in ("train", "evaluate") and rest:
            queue.submit(f"{kind}.sbatch", rest)
        elif kind == "chain" and rest:
            chain(queue, rest)
        elif kind == "sweep" and len(rest) == 1:
            sweep(queue, rest[0])
        else:
            raise UsageError(f"'{' '.join(task)}' is no task; give train CONFIG, evaluate ARGS, chain CONFIG or sweep DIR")
    except UsageError as error:
        print(f"causalfm: submit.sh: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
