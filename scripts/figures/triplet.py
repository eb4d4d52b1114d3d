"""The paper's Figure 4: a training triplet, with the model's reconstruction of each curve."""

from pathlib import Path

import light_curves
import style
from evaluation import Evaluation

ROLES = ("anchor", "same star, other instrument", "same instrument, other star")


def draw(evaluation: Evaluation, run: str, out: Path) -> None:
    """Writes the triplet of `run` to `out`: a panel each for anchor, same star and same instrument."""
    example = evaluation.example(run, "triplet")
    times = evaluation.times(example)
    flux = light_curves.observed(example)
    figure, grid = style.panels(1, 3, (3.1, 2.9), sharex=True, sharey=True)
    for place, axes in enumerate(grid[0]):
        light_curves.points(axes, times[place], flux[place], "observed")
        axes.plot(times[place], example["reconstructed"][place], color=style.colour(0), label="reconstruction")
        star, instrument = example["star_id"][place], example["instrument_id"][place]
        axes.set_title(f"{ROLES[place]}\nstar {star}, instrument {instrument}", fontsize=9)
        axes.set_xlabel(light_curves.time_label(evaluation))
    grid[0, 0].set_ylabel(light_curves.flux_label(evaluation))
    figure.suptitle(f"{style.plain(run)}: a triplet", fontsize=10)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    style.save(figure, out)
