"""The paper's Figure 3: how well a quantity is read off each representation, over the number of labels."""

import math
from pathlib import Path

import numpy
from matplotlib import ticker
from matplotlib.lines import Line2D

import style
from evaluation import Evaluation, counts, number
from representation import Representation, representations, target_symbol

FLOOR = -0.25  # R2 has no lower end: what lies below is drawn as a triangle on the axis
SPREAD = 1.018  # neighbouring representations are set apart by this factor, so that their error bars can be seen


def series(by_count: dict) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Counts, and over the draws of each the mean and the standard deviation."""
    ordered = sorted(((int(count), [number(value) for value in values]) for count, values in by_count.items()))
    means = [float(numpy.mean(values)) if values else math.nan for _, values in ordered]
    deviations = [float(numpy.std(values, ddof=1)) if len(values) > 1 else 0.0 for _, values in ordered]
    return numpy.array([count for count, _ in ordered]), numpy.array(means), numpy.array(deviations)


def draw_scores(axes, scores: dict, shown: list[Representation]) -> None:
    for place, item in enumerate(shown):
        labels, means, deviations = series(scores[item.key])
        apart = labels * SPREAD ** (place - (len(shown) - 1) / 2)
        below = means < FLOOR
        values = numpy.where(below, numpy.nan, means)
        axes.errorbar(apart, values, deviations, capsize=1.8, elinewidth=0.8, capthick=0.8, **item.look)
        if below.any():
            at_floor = numpy.full(below.sum(), FLOOR)
            axes.plot(apart[below], at_floor, "v", color=item.look["color"], markersize=4, clip_on=False)


def draw_legend(figure, shown: list[Representation]) -> None:
    """The representations, under a heading for each run, right of the panels."""
    handles: list[Line2D] = []
    headings: list[int] = []
    run = None
    for item in shown:
        if item.run != run:
            heading = style.plain(item.run) + (" (baseline)" if item.kind == "baseline" else "")
            headings.append(len(handles))
            handles.append(Line2D([], [], linestyle="", label=heading))
            run = item.run
        label = r"single latent $z$" if item.kind == "baseline" else item.label
        handles.append(Line2D([], [], label=label, **item.look))
    legend = figure.legend(handles=handles, loc="outside right center", handlelength=3.2, labelspacing=0.55)
    for place in headings:
        text = legend.get_texts()[place]
        text.set_weight("bold")
        indent = (3.2 + 0.8) * style.SETTINGS["legend.fontsize"] / 72  # inches that line and gap take
        text.set_x(-indent * style.SETTINGS["savefig.dpi"])


def log_counts(axes, labels: list[int]) -> None:
    axes.set_xscale("log")
    apart = [label for label, after in zip(labels, [*labels[1:], math.inf]) if after / label > 1.7]
    axes.xaxis.set_major_locator(ticker.FixedLocator(apart))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.set_xlabel("labelled training stars (log scale)")
    axes.set_xlim(min(labels) / 1.2, max(labels) * 1.2)


def bounded(entries: list[dict]) -> list[dict]:
    """The entries of the label efficiency that can be drawn on a logarithmic axis."""
    values = [(entry, [number(entry["ratio"]), *map(number, entry["interval"])]) for entry in entries]
    return [entry for entry, found in values if all(math.isfinite(value) and value > 0 for value in found)]


def draw_bounds(axes, at: numpy.ndarray, ends: numpy.ndarray, factor: float, colour: str) -> None:
    """Arrows from where a ratio's interval ends, for ratios that are only bounds."""
    style_of_arrow = {"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0}
    for x, end in zip(at, ends):
        axes.annotate("", (x, end * factor), (x, end), arrowprops=style_of_arrow)


def draw_ratio(axes, entries: list[dict], colour: str) -> None:
    """The label efficiency: an arrow up where the baseline never gets there, so that the ratio is a lower bound, and
    down where its fewest labels already do."""
    found = [[number(entry["count"]), number(entry["ratio"]), *map(number, entry["interval"])] for entry in entries]
    count, ratio, low, high = numpy.array(found, dtype=float).T
    censored = numpy.array([bool(entry.get("censored")) for entry in entries])
    ends = numpy.maximum([ratio - low, high - ratio], 0)
    axes.axhline(1, color=style.NEUTRAL, linewidth=0.8, linestyle="--")
    axes.errorbar(count, ratio, ends, color=colour, marker="o", capsize=2.5, elinewidth=0.9)
    smallest = numpy.array([bool(entry.get("at_smallest")) for entry in entries])
    draw_bounds(axes, count[censored], high[censored], 1.35, colour)
    draw_bounds(axes, count[smallest], low[smallest], 1 / 1.35, colour)
    axes.set_yscale("log")
    axes.set_ylim(min(0.5, low.min() / 1.6), max(4.0, high.max() * 1.6))
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axes.set_ylabel("baseline's labels / ours (ratio)")
    axes.yaxis.set_minor_locator(ticker.NullLocator())
    words = [words for words, any_is in (("↑ at least", censored.any()), ("↓ at most", smallest.any())) if any_is]
    bounds = f" ({', '.join(words)})" if words else ""
    axes.set_title(f"label efficiency{bounds}")


def draw_floor(axes, kind: str, scores: dict) -> None:
    finite = [mean for by_count in scores.values() for mean in series(by_count)[1] if math.isfinite(mean)]
    lowest = min(finite, default=0.0)
    if kind == "classification":
        axes.set_ylim(max(0.0, lowest - 0.1), 1.0)
        axes.set_ylabel("balanced accuracy")
        return
    axes.set_ylim(FLOOR if lowest < 0 else max(0.0, lowest - 0.1), 1.0)
    axes.set_ylabel("R² on test stars")


def draw(evaluation: Evaluation, kind: str, target: str, out: Path) -> None:
    """Writes the scores of `target` over the label count to `out`, and beside them the label efficiency."""
    scores = evaluation.report[kind][target]
    shown = [item for item in representations(scores, evaluation.runs) if scores[item.key]]
    labels = counts(scores)
    entries = bounded(evaluation.report.get("label_efficiency", {}).get(target, []))
    widths = [4.6, 2.7] if entries else [4.6]
    style.pyplot.rcParams.update(style.SETTINGS)
    figure, grid = style.pyplot.subplots(
        1, len(widths), figsize=(sum(widths) + 1.6, 3.6), squeeze=False, width_ratios=widths
    )
    axes = grid[0, 0]
    draw_scores(axes, scores, shown)
    log_counts(axes, labels)
    draw_floor(axes, kind, scores)
    name = target_symbol(target)
    axes.set_title(f"{name} read off each representation")
    if entries:
        draw_ratio(grid[0, 1], entries, style.colour(0))
        log_counts(grid[0, 1], [int(entry["count"]) for entry in entries])
    draw_legend(figure, shown)
    style.save(figure, out)
