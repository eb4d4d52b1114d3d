"""What fresh probes read off each representation: the instrument, and what the star is."""

import math
from pathlib import Path

import numpy
from matplotlib.patches import Patch

import style
from evaluation import Evaluation, number
from representation import representations, target_symbol

FLOOR = -0.2  # R2 has no lower end: a shorter bar ends here, its number stands beside
AXES = {"instrument": "balanced accuracy (fraction)"}
TITLES = {"instrument": "which instrument?"}


def draw_bars(axes, name: str, probe: dict, shown: list) -> None:
    lowest = 0.0 if name == "instrument" else FLOOR
    for place, item in enumerate(shown):
        scores = probe.get(item.key, {})
        colour = item.look["color"]
        for kind, shift in (("linear", -0.2), ("mlp", 0.2)):
            value = number(scores.get(kind))
            if not math.isfinite(value):
                continue
            face = colour if kind == "linear" else "white"
            length = max(value, lowest)
            axes.barh(place + shift, length, 0.36, facecolor=face, edgecolor=colour, linewidth=0.9)
            axes.text(max(length, 0) + 0.012, place + shift, f"{value:.2f}".replace("-", "−"), fontsize=7, va="center")
    chance = number(probe.get("chance"))
    if math.isfinite(chance):
        axes.axvline(chance, color=style.NEUTRAL, linestyle="--", linewidth=0.9, zorder=3)
    smallest = min([number(s) for i in shown for s in probe.get(i.key, {}).values()], default=0.0)
    largest = max([number(s) for i in shown for s in probe.get(i.key, {}).values()], default=1.0)
    axes.set_xlim(min(0.0, max(smallest * 1.1, lowest)), min(max(largest * 1.18, 0.2), 1.12))
    axes.set_xlabel(AXES.get(name, "R² on curves of test stars"))
    axes.set_title(TITLES.get(name, f"which {target_symbol(name)}?"))


def draw(evaluation: Evaluation, out: Path) -> None:
    """Writes the bars of every probe to `out`, linear beside MLP, the line of chance across."""
    probes = {name: probe for name, probe in evaluation.report["probes"].items() if set(probe) - {"chance"}}
    keys = dict.fromkeys(key for probe in probes.values() for key in probe)
    shown = representations(keys, evaluation.runs)
    figure, grid = style.panels(1, len(probes), (4.0, 0.9 + 0.36 * len(shown)), sharey=True)
    for axes, (name, probe) in zip(grid[0], probes.items()):
        draw_bars(axes, name, probe, shown)
        axes.grid(axis="y", visible=False)
    labels = [item.label if item.run is None else f"{style.plain(item.run, 22)}: {item.label}" for item in shown]
    grid[0, 0].set_yticks(numpy.arange(len(shown)), labels)
    grid[0, 0].set_ylim(len(shown) - 0.45, -0.55)
    for axes in grid[0]:
        axes.tick_params(axis="y", length=0)
    handles = [
        Patch(facecolor=style.NEUTRAL, edgecolor=style.NEUTRAL, label="linear probe"),
        Patch(facecolor="white", edgecolor=style.NEUTRAL, label="MLP probe"),
        style.pyplot.Line2D([], [], color=style.NEUTRAL, linestyle="--", linewidth=0.9, label="chance"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    style.save(figure, out)
