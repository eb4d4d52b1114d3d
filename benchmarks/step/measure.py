"""Times causalfm's training step against PyTorch's, in turns, and prints a Markdown table.

A case keeps its contestants alive and gives them turns of a second or more, the first now one, now the other, so that a
machine that slows down slows all of them. A ratio is of two turns next to one another: the rival's seconds over ours,
where the rival is the faster of PyTorch eager and compiled in that case. The median and the spread are over ratios.
Batches are in memory: reading is not measured.
"""
import argparse
import os
import platform
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch

from cases import DEFAULT, all_cases, choose
from contestants import ours, rival, write_dump

TURN_SECONDS = 1.0
WARM_UP = 2  # steps


@dataclass
class Row:
    case: object
    ours: list  # triplets a second, a turn each; empty where causalfm does not know the case
    rival: list
    rival_name: str
    megabytes: list

    def cells(self):
        ratios = [own / other for own, other in zip(self.ours, self.rival)]
        return (self.case.name, spread(self.ours), spread(self.rival), self.rival_name, spread(ratios),
                " / ".join(f"{value:.0f}" for value in self.megabytes))


def spread(values):
    if not values:
        return "-"
    digits = 2 if statistics.median(values) < 10 else 1
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def faster(contestants, clock):
    """The one to be measured; the others are ended."""
    for contestant in contestants:
        contestant.run(WARM_UP)
    if len(contestants) > 1:
        steps = steps_of_turn(contestants[0], clock)
        seconds = {contestant: [] for contestant in contestants}
        for contestant in contestants * 3:
            seconds[contestant].append(getattr(contestant.run(steps), clock))
        contestants.sort(key=lambda contestant: statistics.median(seconds[contestant]))
    for contestant in contestants[1:]:
        contestant.end()
    return contestants[0]


def steps_of_turn(contestant, clock):
    return max(1, round(TURN_SECONDS / getattr(contestant.run(1), clock)))


def take_turns(contestants, steps, arguments):
    """Steps a second of every turn, by contestant."""
    speeds = {contestant: [] for contestant in contestants}
    for repetition in range(arguments.repetitions):
        for contestant in contestants[:: -1 if repetition % 2 else 1]:
            speeds[contestant].append(steps / getattr(contestant.run(steps), arguments.clock))
    return speeds


def measure(case, arguments, dump):
    is_known = write_dump(case, dump)
    kinds = {"eager": [False], "compiled": [True], "better": [False, True] if compiler() else [False]}[arguments.rival]
    other = faster([rival(case, dump, compiled) for compiled in kinds], arguments.clock)
    contestants = [other]
    if is_known:
        contestants.insert(0, ours(case))
        contestants[0].run(WARM_UP)
    speeds = take_turns(contestants, steps_of_turn(contestants[0], arguments.clock), arguments)
    triplets = [[case.triplets * speed for speed in speeds[contestant]] for contestant in contestants]
    row = Row(case, triplets[0] if is_known else [], triplets[-1], other.name,
              [contestant.peak_megabytes() for contestant in contestants])
    for contestant in contestants:
        contestant.end()
    return row


def processor():
    pairs = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    values = {key.strip(): value for key, _, value in pairs}
    flags = values.get("flags", "").split()
    wide = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    return f"{values.get('model name', platform.processor()).strip()} ({', '.join(wide)})"


def compiler():
    """The version of the one that torch.compile calls; none where there is none."""
    try:
        command = [os.environ.get("CXX", "g++"), "-dumpfullversion"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def print_table(rows, arguments):
    print(f"\n{processor()}, {os.cpu_count()} cores; ATen uses {torch.backends.cpu.get_cpu_capability()}; PyTorch "
          f"{torch.__version__}, Python {platform.python_version()}, C++ compiler "
          f"{compiler() or 'none, so that the rival is not compiled'}.")
    print(f"Medians of {arguments.repetitions} turns (least to most), {arguments.clock} time.\n")
    print("| case | causalfm, triplets/s | rival, triplets/s | rival | ratio | peak MB, ours / rival |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row.cells()) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=DEFAULT, metavar="PATTERN", help="as '1-core/*/mlp/*/train'")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--rival", choices=("better", "eager", "compiled"), default="better",
                        help="compiling takes one to two minutes a case")
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall",
                        help="processor: for one core of a machine that others use as well")
    parser.add_argument("--list", action="store_true", help="print the names of all cases, * those of the default")
    arguments = parser.parse_args()
    if arguments.list:
        default = choose(DEFAULT)
        print("\n".join(f"{'*' if case in default else ' '} {case.name}" for case in all_cases()))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for case in choose(arguments.cases):
            rows.append(measure(case, arguments, Path(folder, "batch.h5")))
            print(f"{case.name}: ratio {rows[-1].cells()[4]}", flush=True)
    print_table(rows, arguments)


if __name__ == "__main__":
    main()
