"""Trains a run anew and compares metrics.jsonl, line by line, with that of the original."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from comparison import Comparison, Difference, MetricsFile
from original import Original, OriginalError, read_original

ROOT = Path(__file__).resolve().parent.parent.parent
EQUAL, DIFFERENT, USAGE_ERROR = 0, 1, 2
LOOK_EVERY_SECONDS = 0.2
INTERRUPTED = 75


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="launch/repeat.sh",
        description="Trains anew from RUN/config.yaml, on as many ranks and threads a rank as RUN had, and compares "
        "metrics.jsonl line by line, but for what the clock says (seconds, *_seconds, curves_per_second). Ends with 0 "
        "when all lines are equal, with 1 at the first that differs, with 2 when RUN cannot be repeated, and with the "
        "code of the training when that fails. Start it where RUN was started: its data.path may be relative.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder of a run")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the new run (default: RUN.repeat)")
    arguments = parser.parse_args()
    if arguments.out is None:
        arguments.out = arguments.run.resolve().with_name(arguments.run.resolve().name + ".repeat")
    return arguments


def training_command(original: Original, out: Path) -> list[str]:
    """A rank alone runs without a launcher, as it may have done the first time."""
    binary = os.environ.get("CAUSALFM_BINARY", str(ROOT / "build" / "causalfm"))
    start = [binary] if original.ranks == 1 else [str(ROOT / "launch" / "mpirun.sh"), str(original.ranks)]
    command = [*start, "train", str(original.run / "config.yaml"), "--run", str(out), "--quiet"]
    if original.threads:
        command += ["--set", f"runtime.threads={original.threads}"]
    if original.initial_weights:
        command += ["--init-from", original.initial_weights]
    return command


def stop(training: subprocess.Popen) -> None:
    """Lets the ranks save and end."""
    training.send_signal(signal.SIGTERM)
    try:
        training.wait(timeout=150)
    except subprocess.TimeoutExpired:
        training.kill()
        training.wait()


def train_and_compare(
    command: list[str], comparison: Comparison, repeated: MetricsFile, to_the_end: bool
) -> int | None:
    """Compares while the training goes on. As soon as all is known the training is stopped, and the code is none; but
    one that is about to end by itself, as the original did (`to_the_end`), is let."""
    training = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        while True:
            ended = training.poll() is not None
            lines_beyond = comparison.take(repeated.new_lines())
            if ended:
                return None if comparison.decided else training.returncode
            if comparison.difference or (comparison.decided and (lines_beyond or not to_the_end)):
                stop(training)
                return None
            time.sleep(LOOK_EVERY_SECONDS)
    except BaseException:
        stop(training)
        raise


def say_circumstances(original: Original, out: Path) -> None:
    """What else may have changed a number."""
    try:
        repeated = read_original(out)
    except OriginalError:
        return
    for name, before in original.circumstances().items():
        now = repeated.circumstances().get(name)
        if before and now and before != now:
            print(f"repeat.sh: {name} was {before}, now {now}")
    if original.resumed_elsewhere:
        print("repeat.sh: the original was resumed under other conditions: see its log.txt")


def main() -> int:
    arguments = read_arguments()
    run, out = arguments.run, arguments.out
    if out.exists():
        print(f"repeat.sh: {out} is there already: remove it or choose another folder with --out", file=sys.stderr)
        return USAGE_ERROR
    try:
        original = read_original(run)
    except OriginalError as error:
        print(f"repeat.sh: {error}", file=sys.stderr)
        return USAGE_ERROR
    lines = MetricsFile(run / "metrics.jsonl").lines()
    if not lines:
        print(f"repeat.sh: {run}/metrics.jsonl has no line yet: there is nothing to repeat", file=sys.stderr)
        return USAGE_ERROR
    threads = f"threads a rank: {original.threads or 'auto'}"
    print(f"repeat.sh: training {out}, ranks: {original.ranks}, {threads}", flush=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(INTERRUPTED))
    comparison = Comparison(lines)
    new_lines = MetricsFile(out / "metrics.jsonl")
    code = train_and_compare(training_command(original, out), comparison, new_lines, original.ended_by_itself)
    if code:
        equal = f"after {comparison.compared} equal lines"
        print(f"repeat.sh: the training ended with code {code} {equal}", file=sys.stderr)
        return code
    if code == 0 and not comparison.decided:
        comparison.difference = Difference(f"line {comparison.compared + 1} is missing: {out} has ended before it")
    if comparison.difference:
        print(f"repeat.sh: different: {comparison.difference.sentence}")
        say_circumstances(original, out)
        return DIFFERENT
    print(f"repeat.sh: equal: all {comparison.compared} lines of {run}/metrics.jsonl, but for what the clock says")
    return EQUAL


if __name__ == "__main__":
    sys.exit(main())
