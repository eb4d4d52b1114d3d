"""How each latent goes with the star's parameters and with the instrument's terms: a heat map of correlations."""

from pathlib import Path

import numpy

import style
from evaluation import Evaluation
from representation import SYMBOLS


def correlation(latents: numpy.ndarray, factors: numpy.ndarray) -> numpy.ndarray:
    """|Pearson's r| [d, f] of every latent [n, d] with every factor [n, f]; 0 where one of them is constant."""

    def standardised(values: numpy.ndarray) -> numpy.ndarray:
        values = values.astype("float64") - values.mean(axis=0, dtype="float64")
        length = numpy.linalg.norm(values, axis=0)
        return numpy.divide(values, length, out=numpy.zeros_like(values), where=length > 1e-12)

    return numpy.abs(standardised(latents).T @ standardised(factors))


def factors(evaluation: Evaluation) -> list[tuple[str, numpy.ndarray]]:
    """Groups of factors of each row: theta_0, the amplitudes |theta_k| (a sign is a phase), beta_j and gamma_j."""
    theta = evaluation.rows("theta")
    groups = [(r"$\theta_0$", theta[:, :1]), (r"$|\theta_k|$", numpy.abs(theta[:, 1:]))]
    instrument = evaluation.rows("instrument_id")
    for name, symbol in (("beta", r"$\beta_j$"), ("gamma", r"$\gamma_j$")):
        terms = evaluation.arrays.get("truth", {}).get(name)
        if terms is not None:
            groups.append((symbol, terms[instrument]))
    return [(symbol, values) for symbol, values in groups if values.shape[1]]


def draw_group(axes, values: numpy.ndarray, symbol: str):
    image = axes.imshow(values, aspect="auto", cmap="magma_r", vmin=0, vmax=1, interpolation="nearest")
    first = {r"$\theta_0$": 0, r"$|\theta_k|$": 1}.get(symbol, 0)
    width = values.shape[1]
    ticks = [0] if width == 1 else sorted({0, (width - 1) // 2, width - 1})
    axes.set_xticks(ticks, [str(first + tick) for tick in ticks] if width > 1 else [""])
    axes.set_yticks([])
    axes.tick_params(length=0 if width == 1 else 2)
    axes.grid(False)
    axes.spines[:].set_visible(True)
    axes.spines[:].set_linewidth(0.5)
    return image


def draw(evaluation: Evaluation, run: str, out: Path) -> None:
    """Writes the correlations of `run` to `out`: a row of panels a space; latents sorted by theta_0's, best on top."""
    spaces = evaluation.latents(run)
    groups = factors(evaluation)
    widths = [max(values.shape[1], 2) for _, values in groups]
    style.pyplot.rcParams.update(style.SETTINGS)
    figure, grid = style.pyplot.subplots(
        len(spaces), len(groups), figsize=(8.4, 0.5 + 2.3 * len(spaces)), squeeze=False, width_ratios=widths
    )
    for row, (space, latents) in zip(grid, spaces.items()):
        found = [correlation(latents, values) for _, values in groups]
        order = numpy.argsort(-found[0][:, 0], kind="stable")
        for axes, (symbol, _), values in zip(row, groups, found):
            image = draw_group(axes, values[order], symbol)
            axes.set_title(symbol, loc="center")
        row[0].set_yticks(range(len(order)), [str(index) for index in order], fontsize=min(8, 110 / len(order)))
        row[0].set_ylabel(f"latent of {SYMBOLS.get(space, style.plain(space))}")
    for axes, name in zip(grid[-1], ("", "harmonic $k$", "term $j$", "term $j$")):
        axes.set_xlabel(name)
    figure.colorbar(image, ax=grid, label="|Pearson correlation|", aspect=35, pad=0.02)
    figure.suptitle(f"{style.plain(run)}: what each latent goes with", fontsize=10)
    style.save(figure, out)
