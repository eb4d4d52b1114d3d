"""Trains on two hosts joined by a network so slow that a step's traffic takes half of its backward pass.

Backward is taken to be two thirds of a step with a fast network. What a rank sends each step comes from `causalfm plan`,
the rate of the network follows, and hidden is the part of the traffic's time by which steps do not become longer:
1 - (step on the slow network - step on the fast one) / (bytes / rate). Fast and slow take turns.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from two_hosts import TwoHosts, impossible  # noqa: E402

BINARY = Path(os.environ.get("CAUSALFM_BINARY", ROOT / "build" / "causalfm"))
BACKWARD_SHARE = 2 / 3
WARM_UP = 3


def settings(arguments):
    values = {
        "train.batch_triplets": 2 * arguments.triplets,
        "train.steps": arguments.steps,
        "train.validate_every": arguments.steps,
        "train.checkpoint_every": arguments.steps,
        "train.validation_triplets": 8,
        "runtime.threads": 1,
    }
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")] + [
        part for override in arguments.set for part in ("--set", override)
    ]


def bytes_sent(arguments):
    command = [str(BINARY), "plan", str(arguments.config), "--ranks", "2", "--json", *settings(arguments)]
    plan = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return sum(collective["ring_bytes"] for collective in plan["collectives"])


def seconds_a_step(hosts, folder, arguments, rate):
    """Median step of a run over a network of `rate` bytes a second, and the median time that rank 0 waits in it."""
    hosts.limit(rate)
    run = folder / "run"
    subprocess.run(["rm", "-rf", str(run)], check=True)
    command, environment = hosts.mpirun(
        ROOT, ["train", arguments.config, "--run", run, "--quiet", *settings(arguments)], BINARY
    )
    subprocess.run(command, env={**environment, "OMP_NUM_THREADS": "1"}, check=True)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "curves_per_second" in line][WARM_UP:]
    durations = [after["seconds"] - before["seconds"] for before, after in zip(steps, steps[1:])]
    return statistics.median(durations), statistics.median(line["exposed_communication_seconds"] for line in steps)


def spread(values, scale=1.0):
    return f"{scale * statistics.median(values):.1f} ({scale * min(values):.1f} to {scale * max(values):.1f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", default=ROOT / "configs" / "paper.yaml", help="default: configs/paper.yaml")
    parser.add_argument("--triplets", type=int, default=16, help="of a rank, a step (default 16)")
    parser.add_argument("--steps", type=int, default=20, help="of a run (default 20)")
    parser.add_argument("--pairs", type=int, default=5, help="how often fast and slow run (default 5)")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, as for causalfm")
    arguments = parser.parse_args()
    if reason := impossible():
        raise SystemExit(reason)

    sent = bytes_sent(arguments)
    fast, slow, hidden, rates = [], [], [], []
    with tempfile.TemporaryDirectory() as name, TwoHosts(name) as hosts:
        for _ in range(arguments.pairs):
            step, waited = seconds_a_step(hosts, Path(name), arguments, None)
            traffic = 0.5 * BACKWARD_SHARE * (step - waited)
            slow_step, _ = seconds_a_step(hosts, Path(name), arguments, sent / traffic)
            fast.append(step)
            slow.append(slow_step)
            rates.append(sent / traffic)
            hidden.append(1 - (slow_step - step) / traffic)
    print(f"| 2 hosts, {arguments.triplets} triplets a rank, {Path(arguments.config).name} | median of {arguments.pairs} (least to most) |")
    print("|---|---|")
    print(f"| step on the fast network, ms | {spread(fast, 1e3)} |")
    print(f"| step on the slow network, ms | {spread(slow, 1e3)} |")
    print(f"| slow network, MB/s, for {sent / 1e6:.2f} MB a step | {spread(rates, 1e-6)} |")
    print(f"| communication hidden, % | {spread(hidden, 100)} |")


if __name__ == "__main__":
    main()
