"""Trains on two hosts joined by a network that is slow now and then: so slow that a step's traffic takes as long as half
of its backward pass.

Backward is taken to be two thirds of a step on the fast network. What a rank sends each step comes from `causalfm plan`;
less what the network lets pass at once, it sets the rate of the slow network. Hidden is the part of the traffic's time by
which steps do not become longer: 1 - (step on the slow network - step on the fast one) / traffic's time. Both belong to
one run, in turns of some steps, so that a machine that slows down slows both.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from two_hosts import BURST, TwoHosts, impossible  # noqa: E402

BINARY = Path(os.environ.get("CAUSALFM_BINARY", ROOT / "build" / "causalfm"))
BACKWARD_SHARE = 2 / 3
WARM_UP = 4  # steps at the start of a run
SETTLING = 2  # steps after the network has changed that belong to neither turn


def settings(arguments, steps):
    values = {
        "train.batch_triplets": 2 * arguments.triplets,
        "train.steps": steps,
        "train.validate_every": steps,
        "train.checkpoint_every": steps,
        "train.validation_triplets": 8,
        "runtime.threads": 1,
    }
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")] + [
        part for override in arguments.set for part in ("--set", override)
    ]


def bytes_sent(arguments):
    command = [str(BINARY), "plan", str(arguments.config), "--ranks", "2", "--json", *settings(arguments, 1)]
    plan = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return sum(collective["ring_bytes"] for collective in plan["collectives"])


class Training:
    """A run that is under way, as its metrics tell."""

    def __init__(self, hosts, folder, arguments, steps):
        self._metrics = folder / "run" / "metrics.jsonl"
        command, environment = hosts.mpirun(
            ROOT,
            ["train", arguments.config, "--run", folder / "run", "--quiet", *settings(arguments, steps)],
            BINARY,
        )
        self._process = subprocess.Popen(command, env={**environment, "OMP_NUM_THREADS": "1"})

    def steps(self):
        if not self._metrics.exists():
            return []
        whole = self._metrics.read_text().rpartition("\n")[0]
        return [line for line in map(json.loads, whole.splitlines()) if "curves_per_second" in line]

    def wait_for(self, count):
        """The first `count` steps, as soon as they are done."""
        while len(steps := self.steps()) < count:
            if self._process.poll() not in (None, 0):
                raise SystemExit("the training failed")
            time.sleep(0.02)
        return steps[:count]

    def end(self):
        if self._process.wait():
            raise SystemExit("the training failed")


class Turn:
    """Steps on one and the same network."""

    def __init__(self, training, first, count):
        steps = training.wait_for(first + SETTLING + count)[first + SETTLING - 1:]
        self.step = statistics.median(after["seconds"] - before["seconds"] for before, after in zip(steps, steps[1:]))
        self.exposed = statistics.median(line["exposed_communication_seconds"] for line in steps[1:])


def spread(values, scale=1.0):
    return f"{scale * statistics.median(values):.1f} ({scale * min(values):.1f} to {scale * max(values):.1f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", default=ROOT / "configs" / "paper.yaml", help="default: configs/paper.yaml")
    parser.add_argument("--triplets", type=int, default=16, help="of a rank, a step (default 16)")
    parser.add_argument("--steps", type=int, default=10, help="of a turn (default 10)")
    parser.add_argument("--pairs", type=int, default=5, help="turns of fast and slow (default 5)")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, as for causalfm")
    arguments = parser.parse_args()
    if reason := impossible():
        raise SystemExit(reason)

    sent = bytes_sent(arguments)
    turn = SETTLING + arguments.steps
    fast, slow, traffic, hidden = [], [], [], []
    with tempfile.TemporaryDirectory() as name, TwoHosts(name) as hosts:
        hosts.limit(None)
        # One more: while a turn is judged, the run goes on.
        training = Training(hosts, Path(name), arguments, WARM_UP + 2 * arguments.pairs * turn + turn)
        for pair in range(arguments.pairs):
            first = WARM_UP + 2 * pair * turn
            fast.append(Turn(training, first, arguments.steps))
            traffic.append(0.5 * BACKWARD_SHARE * (fast[-1].step - fast[-1].exposed))
            hosts.limit((sent - BURST) / traffic[-1])
            slow.append(Turn(training, first + turn, arguments.steps))
            hosts.limit(None)
            hidden.append(1 - (slow[-1].step - fast[-1].step) / traffic[-1])
        training.end()
    rates = [(sent - BURST) / seconds for seconds in traffic]
    print(f"| 2 hosts, {arguments.triplets} triplets a rank, {Path(arguments.config).name} | median of {arguments.pairs} (least to most) |")
    print("|---|---|")
    print(f"| step on the fast network, ms | {spread([turn.step for turn in fast], 1e3)} |")
    print(f"| of which rank 0 waits for communication, ms | {spread([turn.exposed for turn in fast], 1e3)} |")
    print(f"| step on the slow network, ms | {spread([turn.step for turn in slow], 1e3)} |")
    print(f"| of which rank 0 waits for communication, ms | {spread([turn.exposed for turn in slow], 1e3)} |")
    print(f"| slow network, MB/s, for {sent / 1e6:.2f} MB a step | {spread(rates, 1e-6)} |")
    print(f"| communication hidden, % | {spread(hidden, 100)} |")


if __name__ == "__main__":
    main()
