"""One star as another instrument would have seen it: the model's answer beside the simulator's truth."""

from pathlib import Path

import light_curves
import style
from evaluation import Evaluation

COLUMNS = 3


def draw(evaluation: Evaluation, run: str, out: Path) -> None:
    """Writes the counterfactuals of `run` to `out`; the residuals are against the truth."""
    example = evaluation.example(run, "counterfactual")
    times = evaluation.times(example)
    flux = light_curves.observed(example)
    figure, pairs = light_curves.with_residuals(
        len(flux), COLUMNS, f"{style.plain(run)}: stars as another instrument would see them"
    )
    for place, (upper, lower) in enumerate(pairs):
        truth, swapped, unchanged = (example[name][place] for name in ("truth", "swapped", "unchanged"))
        light_curves.points(upper, times[place], flux[place], "observed by the first instrument")
        upper.plot(times[place], truth, color="#000000", linewidth=1.0, label="truth for the second")
        upper.plot(times[place], swapped, color=style.colour(1), label="decoded for the second")
        upper.plot(
            times[place], unchanged, color=style.colour(0), linestyle="--", linewidth=1.0, label="decoded for the first"
        )
        lower.axhline(0, color=style.NEUTRAL, linewidth=0.8)
        lower.plot(times[place], swapped - truth, color=style.colour(1), linewidth=1.1)
        lower.plot(times[place], unchanged - truth, color=style.colour(0), linestyle="--", linewidth=1.0)
        star, first = example["star_id"][place], example["instrument_id"][place]
        second = example["other_instrument_id"][place]
        errors = light_curves.mean_square(swapped - truth), light_curves.mean_square(unchanged - truth)
        upper.set_title(
            f"star {star}: instrument {first} → {second}\nmean square {errors[0]:#.2g}, unchanged {errors[1]:#.2g}",
            fontsize=9,
        )
    light_curves.finish(figure, pairs, COLUMNS, evaluation)
    style.save(figure, out)
