"""Prints a table of the losses and recalls of runs: their first, best and last validation.

usage: python scripts/figures/loss_table.py RUN...
"""

import sys
from pathlib import Path

from metrics import Metrics, RunError, best_step, read_metrics, read_summary

COLUMNS = (
    ("total", "validation_loss"),
    ("reconstruction", "validation_reconstruction"),
    ("star", "validation_star"),
    ("instrument", "validation_instrument"),
    ("star recall", "validation_star_recall"),
    ("instrument recall", "validation_instrument_recall"),
)


def rows(metrics: Metrics) -> list[list[str]]:
    """A header, and a line each for the first, the best and the last validation."""
    named: dict[int, dict] = {line["step"]: line for line in metrics.validation}
    best = best_step(metrics)
    table = [["validation", "step", *(title for title, _ in COLUMNS)]]
    for name, step in (("first", min(named)), ("best", best), ("last", max(named))):
        if step is not None:
            values = [named[step].get(field) for _, field in COLUMNS]
            table.append([name, f"{step:,}", *("-" if value is None else f"{float(value):.4f}" for value in values)])
    return table


def formatted(table: list[list[str]]) -> str:
    """Columns side by side, names to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = []
    for row in table:
        numbers = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join([row[0].ljust(widths[0]), *numbers]))
    return "\n".join(lines)


def describe(run: Path) -> str:
    """The table of one run under a line that says how it ended."""
    metrics, summary = read_metrics(run), read_summary(run)
    heading = str(run)
    if summary:
        heading += f": {summary['ended'].replace('_', ' ')} after {summary['steps']:,} steps"
        heading += f" on {summary['ranks']} ranks, {summary['seconds']:.0f} s"
    if not metrics.validation:
        return f"{heading}\nno validation yet"
    return f"{heading}\n{formatted(rows(metrics))}"


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print("usage: loss_table.py RUN...", file=sys.stderr)
        return 2
    try:
        print("\n\n".join(describe(Path(run)) for run in sys.argv[1:]))
    except (RunError, OSError) as error:
        print(f"loss_table.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
