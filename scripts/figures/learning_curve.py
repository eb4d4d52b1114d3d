"""Draws the learning curves of one or more runs: losses of training and validation, and the two recalls.

usage: python scripts/figures/learning_curve.py RUN... --out FILE.png
"""

import argparse
import sys
from pathlib import Path

import numpy
from matplotlib import ticker
from matplotlib.lines import Line2D

import style
from metrics import Metrics, RunError, best_step, distinct_names, read_metrics

LOSSES = (
    ("total loss", "loss", "validation_loss", "weighted sum of the losses"),
    ("reconstruction", "reconstruction", "validation_reconstruction", "mean squared error (flux²)"),
    ("star space", "star", "validation_star", "InfoNCE (nat)"),
    ("instrument space", "instrument", "validation_instrument", "InfoNCE (nat)"),
)
RECALLS = (("validation_star_recall", "-"), ("validation_instrument_recall", "--"))
WINDOWS = 60  # a training curve is smoothed over this part of its length


def smoothed(values: numpy.ndarray) -> numpy.ndarray:
    """Centred running mean over what is finite; at the ends over what there is."""
    if not values.size:
        return values
    window = len(values) // WINDOWS
    finite = numpy.isfinite(values)
    box = numpy.ones(2 * (window // 2) + 1)
    count = numpy.convolve(finite.astype(float), box, mode="same")
    total = numpy.convolve(numpy.where(finite, values, 0.0), box, mode="same")
    return numpy.divide(total, count, out=numpy.full(len(values), numpy.nan), where=count > 0)


def draw_loss(axes, runs: list[Metrics], training: str, validation: str) -> None:
    drawn = []
    for index, run in enumerate(runs):
        colour = style.colour(index)
        steps, values = run.series(training)
        steps_done, validated = run.series(validation)
        if not values.any() and not validated.any():
            continue  # this run has no such loss (the instrument's of a single latent), and zeros would flatten others
        axes.plot(steps, values, color=colour, alpha=0.25, linewidth=0.6)
        axes.plot(steps, smoothed(values), color=colour, alpha=0.7, linewidth=1.0)
        axes.plot(steps_done, validated, color=colour, marker=style.marker(index), markerfacecolor="white")
        drawn += [smoothed(values), validated]
    seen = numpy.concatenate(drawn or [numpy.array([])])
    seen = seen[numpy.isfinite(seen)]
    if seen.size and seen.min() > 0 and seen.max() / seen.min() > 10:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        axes.yaxis.set_minor_formatter(ticker.NullFormatter())


def draw_recalls(axes, runs: list[Metrics]) -> None:
    for index, run in enumerate(runs):
        for field, line in RECALLS:
            steps, values = run.series(field)
            face = "white" if line == "-" else style.colour(index)
            axes.plot(
                steps, values, line, color=style.colour(index), marker=style.marker(index), markerfacecolor=face
            )
    grey = "#555555"
    axes.legend(
        handles=[
            Line2D([], [], color=grey, marker="o", markerfacecolor="white", label="star"),
            Line2D([], [], color=grey, linestyle="--", marker="o", label="instrument"),
        ],
        handlelength=3.0,
        frameon=True,
        framealpha=0.8,
        edgecolor="none",
    )
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("recall@1 (fraction)")
    axes.set_title("nearest neighbour, validation")


def draw_legend(axes, runs: list[Metrics]) -> None:
    axes.axis("off")
    handles = []
    for index, run in enumerate(runs):
        best = best_step(run)
        name = run.name + (f" (lowest loss at step {best:,})" if best is not None else "")
        handles.append(Line2D([], [], color=style.colour(index), marker=style.marker(index), linestyle="", label=name))
    grey = "#555555"
    handles += [
        Line2D([], [], color=grey, alpha=0.7, linewidth=1.0, label="training, running mean"),
        Line2D([], [], color=grey, marker="o", markerfacecolor="white", label="validation"),
    ]
    axes.legend(handles=handles, loc="center left", handlelength=3.0, labelspacing=0.9)


def draw(runs: list[Metrics], out: Path) -> None:
    """Writes the figure of `runs` to `out`."""
    shown = [loss for loss in LOSSES if any(len(run.series(field)[0]) for run in runs for field in loss[1:3])]
    columns = 3
    rows = -(-(len(shown) + 2) // columns)
    figure, grid = style.panels(rows, columns)
    axes = list(grid.flat)
    for panel, (title, training, validation, label) in zip(axes, shown):
        draw_loss(panel, runs, training, validation)
        panel.set_title(title)
        panel.set_ylabel(label)
    draw_recalls(axes[len(shown)], runs)
    for panel in axes[: len(shown) + 1]:
        panel.set_xlabel("step")
        panel.set_xlim(left=0)
        panel.xaxis.set_major_locator(ticker.MaxNLocator(5, integer=True))
    draw_legend(axes[len(shown) + 1], runs)
    for panel in axes[len(shown) + 2 :]:
        panel.axis("off")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)
    style.pyplot.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(description="Draws the learning curves of one or more runs into one PNG.")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="the folder of a run")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.png")
    arguments = parser.parse_args()
    try:
        runs = [read_metrics(run) for run in arguments.runs]
        for run, name in zip(runs, distinct_names(arguments.runs)):
            run.name = name
        draw(runs, arguments.out)
    except (RunError, OSError) as error:
        print(f"learning_curve.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
