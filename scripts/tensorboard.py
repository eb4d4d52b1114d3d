"""Converts the metrics of runs into TensorBoard's event files: train/loss, …, validation/loss, ….

usage: python scripts/tensorboard.py RUN... [--out DIR] [--follow]
       tensorboard --logdir DIR
"""

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

# This file has the name of the package that it uses, which would find it first.
sys.path[0] = str(Path(__file__).resolve().parent / "figures")

from metrics import RunError, distinct_names  # noqa: E402
from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # noqa: E402
from tensorboard.compat.proto.summary_pb2 import Summary  # noqa: E402
from tensorboard.summary.writer.event_file_writer import EventFileWriter  # noqa: E402

SUFFIX = ".causalfm"  # of our event files: what another program has put into the folder is left alone
LOOK_EVERY_SECONDS = 1.0


@dataclass
class Line:
    """A line of metrics.jsonl. Of a training line `step` is the step that was done, 0 the first; of a validation line
    it is the number of steps done before."""

    text: bytes
    step: int
    is_validation: bool
    values: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def is_past(self, steps_done: int) -> bool:
        """Whether a run that goes on after `steps_done` steps keeps this line."""
        return self.step <= steps_done if self.is_validation else self.step < steps_done


def parse(text: bytes) -> Line | None:
    """None for a line that is no line of metrics."""
    try:
        content = json.loads(text)
        step = content["step"]
        numbers = {name: float(value) for name, value in content.items() if name not in ("step", "seconds")}
        seconds = float(content.get("seconds", 0.0))
    except (ValueError, TypeError, KeyError):
        return None
    if not isinstance(step, int):
        return None
    is_validation = "validation_loss" in content
    if is_validation:
        numbers = {f"validation/{name.removeprefix('validation_')}": value for name, value in numbers.items()}
    else:
        numbers = {f"train/{name}": value for name, value in numbers.items()}
    return Line(text, step, is_validation, numbers, seconds)


class MetricsTail:
    """The lines of a metrics.jsonl as they come; a last line without its newline waits until it has one."""

    def __init__(self, file: Path):
        self._file = file
        self._inode = None
        self._read = 0

    def new_lines(self) -> tuple[bool, list[Line]]:
        """The lines since the last call, and whether they are all that the file holds: a run that goes on from a
        checkpoint replaces its file."""
        with self._file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            anew = self._inode != status.st_ino or status.st_size < self._read
            if anew:
                self._inode, self._read = status.st_ino, 0
            opened.seek(self._read)
            text = opened.read()
        complete = text[: text.rfind(b"\n") + 1]
        self._read += len(complete)
        lines = (parse(line) for line in complete.splitlines())
        return anew, [line for line in lines if line is not None]


class Conversion:
    """One run's events. What TensorBoard shows is at any time what metrics.jsonl holds."""

    def __init__(self, run: Path, folder: Path):
        self._run = run
        self._tail = MetricsTail(run / "metrics.jsonl")
        self._shown: list[Line] = []
        self._begin: float | None = None  # of the run, by the clock on the wall
        for old in folder.glob(f"events.out.tfevents.*{SUFFIX}"):
            old.unlink()
        self._writer = EventFileWriter(str(folder), filename_suffix=SUFFIX)

    @property
    def has_ended(self) -> bool:
        """As summary.json says, unless the run has gone on since: that rewrites config.yaml first."""
        summary = self._run / "summary.json"
        others = (self._run / "metrics.jsonl", self._run / "config.yaml")
        return summary.is_file() and all(summary.stat().st_mtime >= other.stat().st_mtime for other in others)

    def go_on(self) -> int:
        """Converts what is new; returns the number of new lines."""
        anew, lines = self._tail.new_lines()
        if anew and self._shown:
            same = 0
            while same < min(len(lines), len(self._shown)) and lines[same].text == self._shown[same].text:
                same += 1
            lines = lines[same:]
            dropped = self._shown[same:]
            if dropped:
                self._shown = self._shown[:same]
                self._forget(min(line.step for line in dropped))
        if self._begin is None and lines:
            self._begin = (self._run / "metrics.jsonl").stat().st_mtime - lines[-1].seconds
        for line in lines:
            if self._shown and not self._shown[-1].is_past(line.step):
                self._shown = [shown for shown in self._shown if shown.is_past(line.step)]
                self._forget(line.step)
            self._show(line)
            self._shown.append(line)
        self._writer.flush()
        return len(lines)

    def close(self) -> None:
        self._writer.close()

    def _forget(self, step: int) -> None:
        """Lets TensorBoard drop what it has from `step` on, by its mark of a restart, and shows again what holds."""
        self._writer.add_event(Event(step=step, wall_time=time.time(), session_log=SessionLog(status=SessionLog.START)))
        for line in self._shown:
            if line.step >= step:
                self._show(line)

    def _show(self, line: Line) -> None:
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in line.values.items()]
        event = Event(step=line.step, wall_time=self._begin + line.seconds, summary=Summary(value=values))
        self._writer.add_event(event)


def convert(runs: list[Path], out: Path, follow: bool) -> None:
    """@raises RunError for a folder without metrics."""
    for run in runs:
        if not (run / "metrics.jsonl").is_file() and not (follow and (run / "config.yaml").is_file()):
            raise RunError(f"no {run / 'metrics.jsonl'}: is {run} the folder of a run that has begun?")
    waiting = dict(zip(runs, distinct_names(runs)))
    going: dict[Path, Conversion] = {}
    while True:
        for run, name in list(waiting.items()):
            if (run / "metrics.jsonl").is_file():
                going[run] = Conversion(run, out / name)
                del waiting[run]
        for run, conversion in list(going.items()):
            ended = conversion.has_ended  # asked first: the last lines come before the end
            new = conversion.go_on()
            if new:
                print(f"{run}: {new} lines", flush=True)
            if ended or not follow:
                conversion.close()
                del going[run]
        if not going and not waiting:
            return
        time.sleep(LOOK_EVERY_SECONDS)


def main() -> int:
    parser = argparse.ArgumentParser(description="Converts the metrics of runs into TensorBoard's event files.")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="the folder of a run")
    out = "gets a folder for each run (default: %(default)s)"
    parser.add_argument("--out", type=Path, default=Path("tensorboard"), metavar="DIR", help=out)
    parser.add_argument("--follow", action="store_true", help="go on until every run has ended, or Ctrl-C")
    arguments = parser.parse_args()
    try:
        convert(arguments.runs, arguments.out, arguments.follow)
    except KeyboardInterrupt:
        return 0
    except (RunError, OSError) as error:
        print(f"tensorboard.py: {error}", file=sys.stderr)
        return 2
    print(f"look at it with: tensorboard --logdir {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
