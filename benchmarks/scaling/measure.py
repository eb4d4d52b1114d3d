"""Two ranks that train together against two processes that train alone at the same time, and against one alone.

The two independent runs share the machine's memory and caches as the ranks do, so that what is left between them is the
price of communicating: gradients, projections, and waiting for one another. Kinds take turns, so that a machine that
slows down slows all of them. A run's speed is the median over its steps after the first three; each rank and each process
has one core and N triplets a step.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = Path(os.environ.get("CAUSALFM_BINARY", ROOT / "build" / "causalfm"))
WARM_UP = 3


def settings(triplets, steps):
    values = {
        "train.batch_triplets": triplets,
        "train.steps": steps,
        "train.validate_every": steps,
        "train.checkpoint_every": steps,
        "train.validation_triplets": 8,
        "runtime.threads": 1,
    }
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


def speed(run):
    """Curves a second, and the share of a step for which communication was waited for."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "curves_per_second" in line][WARM_UP:]
    seconds = sum(after["seconds"] - before["seconds"] for before, after in zip(steps, steps[1:]))
    exposed = sum(line["exposed_communication_seconds"] for line in steps[1:])
    return statistics.median(line["curves_per_second"] for line in steps), exposed / seconds



def together(folder, config, triplets, steps):
    run = folder / "together"
    command = [ROOT / "launch" / "mpirun.sh", "2", "train", config, "--run", run, "--quiet"]
    subprocess.run([*map(str, command), *settings(2 * triplets, steps)], check=True)
    return speed(run)


def alone(folder, config, triplets, steps, cores):
    """One process a core, started at once."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    runs = [folder / f"alone-{core}" for core in cores]
    processes = [
        subprocess.Popen(
            ["taskset", "-c", str(core), str(BINARY), "train", str(config), "--run", str(run), "--quiet", *settings(triplets, steps)],
            env=environment,
        )
        for core, run in zip(cores, runs)
    ]
    if any(process.wait() for process in processes):
        raise SystemExit("a run failed")
    return sum(speed(run)[0] for run in runs)


def spread(values):
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", default=ROOT / "configs" / "paper.yaml", help="default: configs/paper.yaml")
    parser.add_argument("--triplets", type=int, default=32, help="of a rank or process, a step (default 32)")
    parser.add_argument("--steps", type=int, default=20, help="of a run (default 20)")
    parser.add_argument("--pairs", type=int, default=5, help="how often each kind runs (default 5)")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise SystemExit("two ranks need two cores")

    ratios, efficiencies, exposed = [], [], []
    for _ in range(arguments.pairs):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            common = (arguments.config, arguments.triplets, arguments.steps)
            pair, waited = together(folder, *common)
            independent = alone(folder, *common, cores)
        with tempfile.TemporaryDirectory() as name:
            lone = alone(Path(name), *common, cores[:1])
        ratios.append(pair / independent)
        efficiencies.append(pair / (2 * lone))
        exposed.append(waited)
    print(f"| 2 ranks, {arguments.triplets} triplets each, {Path(arguments.config).name} | median of {arguments.pairs} (least to most) |")
    print("|---|---|")
    print(f"| speed over two independent processes at the same time | {spread(ratios)} |")
    print(f"| speed over twice that of one process with the machine to itself | {spread(efficiencies)} |")
    print(f"| share of a step in which a rank waits for communication | {spread(exposed)} |")


if __name__ == "__main__":
    main()
