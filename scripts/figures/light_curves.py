"""Light curves in panels, with what a model makes of them and the residuals below."""

import numpy
from matplotlib import pyplot

import style
from evaluation import Evaluation


def time_label(evaluation: Evaluation) -> str:
    """The time axis with its unit: simulated curves count steps, others days."""
    if evaluation.report.get("data", {}).get("time_system") == "steps":
        return "time (steps)"
    return "time since first cadence (days)"


def flux_label(evaluation: Evaluation) -> str:
    return f"flux ({style.plain(str(evaluation.report.get('data', {}).get('flux_unit', 'normalised')), 20)})"


def observed(example: dict, name: str = "flux") -> numpy.ndarray:
    """[n, T]; NaN, and so a gap in a line, where the mask says that nothing was observed."""
    values = numpy.asarray(example[name], dtype=float)
    return numpy.where(example["mask"].astype(bool), values, numpy.nan) if "mask" in example else values


def mean_square(residual: numpy.ndarray) -> float:
    return float(numpy.nanmean(residual**2)) if numpy.isfinite(residual).any() else float("nan")


def with_residuals(count: int, columns: int, title: str):
    """A figure for `count` curves; for each (panel of the curve, panel of its residuals), on one time axis."""
    pyplot.rcParams.update(style.SETTINGS)
    rows = -(-count // columns)
    figure = pyplot.figure(figsize=(3.1 * columns, 0.3 + 2.75 * rows))
    pairs = []
    figure.suptitle(title, fontsize=10)
    for part in figure.subfigures(rows, columns, squeeze=False).flat[:count]:
        upper, lower = part.subplots(2, 1, sharex=True, height_ratios=[2.6, 1])
        upper.tick_params(labelbottom=False)
        pairs.append((upper, lower))
    return figure, pairs


def points(axes, time: numpy.ndarray, flux: numpy.ndarray, label: str) -> None:
    """An observation: points, since between them nothing is known."""
    axes.plot(time, flux, ".", color="#8A8A8A", markersize=3, label=label)


def same_limits(panels: list, symmetric: bool = False) -> None:
    low = min(axes.get_ylim()[0] for axes in panels)
    high = max(axes.get_ylim()[1] for axes in panels)
    if symmetric:
        high = max(abs(low), abs(high))
        low = -high
    for axes in panels:
        axes.set_ylim(low, high)


def finish(figure, pairs: list, columns: int, evaluation: Evaluation) -> None:
    """One scale for all, labels at the edges, and one legend for the figure."""
    same_limits([upper for upper, _ in pairs])
    same_limits([lower for _, lower in pairs], symmetric=True)
    for index, (upper, lower) in enumerate(pairs):
        lower.set_xlabel(time_label(evaluation))
        if index % columns == 0:
            upper.set_ylabel(flux_label(evaluation))
            lower.set_ylabel("residual")
            upper.figure.align_ylabels([upper, lower])
    handles, labels = pairs[0][0].get_legend_handles_labels()
    more = pairs[0][1].get_legend_handles_labels()
    for handle, label in zip(*more):
        if label not in labels:
            handles.append(handle)
            labels.append(label)
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
