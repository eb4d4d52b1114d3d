"""Prints the numbers of a report that matter most: a line a representation.

usage: python scripts/figures/report_table.py REPORT
"""

import json
import sys
from pathlib import Path
from statistics import mean, stdev

from loss_table import formatted

WANTED_COUNTS = (30, 100, 1000)


def scores(report: dict, name: str, counts: list[str]) -> list[str]:
    """Mean and standard deviation of R2 at each count."""
    cells = []
    for count in counts:
        values = [float(value) for value in report["regression"]["theta_0"][name][count]]
        cells.append(f"{mean(values):.3f} ± {stdev(values) if len(values) > 1 else 0.0:.3f}")
    return cells


def probe(report: dict, quantity: str, name: str, kind: str) -> str:
    value = report.get("probes", {}).get(quantity, {}).get(name, {}).get(kind)
    return "-" if value is None else f"{float(value):.3f}"


def rows(report: dict) -> list[list[str]]:
    """A header and a line for every representation that the report knows."""
    regression = report.get("regression", {}).get("theta_0", {})
    instrument = report.get("probes", {}).get("instrument", {})
    names = list(regression) or [name for name in instrument if name != "chance"]
    available = list(next(iter(regression.values()))) if regression else []
    counts = [count for count in available if int(count) in WANTED_COUNTS or count == available[-1]]
    header = ["representation", *(f"R2, {int(count):,} labels" for count in counts), "instrument, linear", "MLP"]
    table = [header]
    for name in names:
        cells = scores(report, name, counts) if regression else []
        table.append([name, *cells, probe(report, "instrument", name, "linear"), probe(report, "instrument", name, "mlp")])
    return table


def errors(report: dict) -> list[list[str]]:
    """A header and a line for every run: how well it reconstructs and swaps."""
    table = [["run", "reconstruction", "swap", "no swap", "oracle", "unchanged"]]
    for name, run in report["runs"].items():
        swap = run.get("swap_mse", {})
        cells = [swap.get(field) for field in ("swap", "no_swap", "oracle", "unchanged")]
        table.append([name, *("-" if cell is None else f"{float(cell):.4f}" for cell in (run["reconstruction_mse"], *cells))])
    return table


def efficiency(report: dict) -> str:
    """One line on label efficiency, empty without a baseline."""
    entries = report.get("label_efficiency", {}).get("theta_0", [])
    parts = []
    for entry in entries:
        bound = "at least " if entry["censored"] else "at most " if entry.get("at_smallest") else ""
        parts.append(f"{bound}{float(entry['ratio']):.2f} at {entry['count']:,}")
    return f"labels that the baseline needs over those of z_star: {', '.join(parts)}" if parts else ""


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print("usage: report_table.py REPORT", file=sys.stderr)
        return 2
    file = Path(sys.argv[1]) / "report.json"
    try:
        report = json.loads(file.read_text())
        chance = report.get("probes", {}).get("instrument", {}).get("chance")
        print("R2 of theta_0 over test stars by labelled stars, and the instrument's balanced accuracy"
              + (f" (chance {float(chance):.3f})" if chance is not None else ""))
        print(formatted(rows(report)))
        print("\nmean squared errors over test curves")
        print(formatted(errors(report)))
        line = efficiency(report)
        if line:
            print(f"\n{line}")
    except (OSError, ValueError, KeyError) as error:
        print(f"report_table.py: {file} is no report that can be read ({error}): run `causalfm evaluate` again",
              file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
