"""Draws a sweep: a panel a parameter, the objective over its values, a dot a trial.

    python scripts/figures/sweep.py DIR      reads DIR/sweep.json, writes DIR/sweep.png
"""

import json
import math
import sys
from pathlib import Path

from style import COLOURS, NEUTRAL, panels, save

COLUMNS = 4
LOGARITHMIC_FROM = 30  # a ratio of largest to smallest value that a linear axis would squeeze


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def tried(sweep: dict) -> list[dict]:
    """Settings with at least one value."""
    return [setting for setting in sweep["settings"] if setting["done"] > 0]


def positions(values: list[str]) -> tuple[dict[str, float], bool]:
    """Where each value stands on the axis, and whether the axis is one of numbers."""
    distinct = sorted(set(values), key=lambda value: (number(value) is None, number(value) or 0.0, value))
    if all(number(value) is not None for value in distinct):
        return {value: number(value) for value in distinct}, True
    return {value: float(place) for place, value in enumerate(distinct)}, False


def draw_parameter(axes, key: str, logarithmic: bool, settings: list[dict], best: dict) -> None:
    places, numeric = positions([setting["parameters"][key] for setting in settings])
    for setting in settings:
        place = places[setting["parameters"][key]]
        values = [float(trial["value"]) for trial in setting["trials"] if "value" in trial]
        axes.plot([place] * len(values), values, "o", color=NEUTRAL, alpha=0.5, markersize=3, linestyle="none")
        colour = COLOURS[1] if setting is best else COLOURS[0]
        axes.plot([place], [float(setting["mean"])], "D", color=colour, markersize=5, linestyle="none")
    axes.set_xlabel(key)
    if not numeric:
        axes.set_xticks(list(places.values()), list(places), rotation=20)
        axes.set_xlim(-0.5, len(places) - 0.5)
        return
    positive = [place for place in places.values() if place > 0]
    wide = len(positive) == len(places) and max(positive) / min(positive) >= LOGARITHMIC_FROM
    if logarithmic or wide:
        axes.set_xscale("log")


def draw(sweep: dict, out: Path) -> None:
    settings = tried(sweep)
    finite = [setting for setting in settings if math.isfinite(float(setting["mean"]))]
    if not finite:
        return
    best = finite[0]  # they are sorted
    keys = list(sweep["parameters"])
    columns = min(COLUMNS, len(keys))
    rows = math.ceil(len(keys) / columns)
    figure, grid = panels(rows, columns, sharey=True)
    for axes, key in zip(grid.flat, keys):
        draw_parameter(axes, key, sweep["parameters"][key]["logarithmic"], finite, best)
    for axes in list(grid.flat)[len(keys):]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel(sweep["objective"])
    trials = sum(setting["done"] for setting in finite)
    better = "higher" if sweep["direction"] == "maximize" else "lower"
    figure.suptitle(f"{trials} trials, {better} is better; diamonds: means over seeds, the best one orange",
                    fontsize=9, x=0.01, ha="left")
    save(figure, out)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    draw(json.loads((folder / "sweep.json").read_text()), folder / "sweep.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
