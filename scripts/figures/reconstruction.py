"""What the decoder makes of test curves, from the best to the worst, with residuals."""

from pathlib import Path

import light_curves
import style
from evaluation import Evaluation

COLUMNS = 3


def rank(place: int, count: int) -> str:
    if place == 0:
        return "best"
    if place == count - 1:
        return "worst"
    return f"{100 * place / (count - 1):.0f} % are better"


def draw(evaluation: Evaluation, run: str, out: Path) -> None:
    """Writes the reconstructions of `run` to `out`."""
    example = evaluation.example(run, "reconstruction")
    times = evaluation.times(example)
    flux = light_curves.observed(example)
    count = len(flux)
    figure, pairs = light_curves.with_residuals(
        count, COLUMNS, f"{style.plain(run)}: test curves and their reconstructions, from best to worst"
    )
    for place, (upper, lower) in enumerate(pairs):
        residual = flux[place] - example["reconstructed"][place]
        light_curves.points(upper, times[place], flux[place], "observed")
        upper.plot(times[place], example["reconstructed"][place], color=style.colour(0), label="reconstruction")
        lower.axhline(0, color=style.NEUTRAL, linewidth=0.8)
        lower.plot(times[place], residual, ".", color=style.colour(1), markersize=3, label="observed − reconstruction")
        star, instrument = example["star_id"][place], example["instrument_id"][place]
        error = light_curves.mean_square(residual)
        upper.set_title(
            f"{rank(place, count)}: mean square {error:#.2g}\nstar {star}, instrument {instrument}", fontsize=9
        )
    light_curves.finish(figure, pairs, COLUMNS, evaluation)
    style.save(figure, out)
