"""The paper's Figure 2: both latent spaces of a run by UMAP, coloured by instrument and by what the star is."""

import warnings
from pathlib import Path

import numpy
from matplotlib import patheffects

import style
from evaluation import Evaluation
from representation import SYMBOLS, target_symbol

NEIGHBOURS = 15
EPOCHS = 200  # 5,000 points look the same after 500, umap-learn's own choice, in two and a half times the time
POINTS = 5000
SEED = 0
LABELLED = 24  # more instruments than that are neither told apart by colour nor labelled
COMPACT = 0.5  # an instrument is labelled where this part of it lies in one place


def nearest(values: numpy.ndarray, neighbours: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Indices and Euclidean distances [n, neighbours] of each row's nearest rows, itself first.

    Exact: for some thousand rows faster than umap-learn's approximate search, most of whose time is compilation.
    """
    values = values.astype("float64") - values.mean(axis=0)
    squares = (values**2).sum(axis=1)
    indices = numpy.empty((len(values), neighbours), dtype="int64")
    distances = numpy.empty(indices.shape, dtype="float32")
    for start in range(0, len(values), 1000):
        part = slice(start, start + 1000)
        table = squares[part, None] + squares - 2 * values[part] @ values.T
        table[numpy.arange(len(table)), numpy.arange(start, start + len(table))] = -1.0
        chosen = numpy.argpartition(table, neighbours - 1, axis=1)[:, :neighbours]
        found = numpy.take_along_axis(table, chosen, axis=1)
        order = numpy.argsort(found, axis=1, kind="stable")
        indices[part] = numpy.take_along_axis(chosen, order, axis=1)
        distances[part] = numpy.sqrt(numpy.maximum(numpy.take_along_axis(found, order, axis=1), 0.0))
    return indices, distances


def embed(values: numpy.ndarray) -> numpy.ndarray:
    """UMAP of [n, d] to [n, 2], each latent scaled to unit deviation; the same input gives the same map."""
    from umap import UMAP  # here: its import takes seconds, and one picture needs it

    spread = values.std(axis=0)
    values = (values / numpy.where(spread > 0, spread, 1.0)).astype("float32")
    neighbours = min(NEIGHBOURS, len(values) - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread, and that our neighbours come without an index
        mapped = UMAP(
            n_neighbors=neighbours,
            n_epochs=EPOCHS,
            random_state=SEED,
            n_jobs=1,
            init="spectral" if len(values) > 50 else "random",
            precomputed_knn=nearest(values, neighbours),
        ).fit_transform(values)
    return numpy.nan_to_num(mapped)


def colouring(evaluation: Evaluation) -> tuple[numpy.ndarray, str] | None:
    """What colours the second row: theta_0, or the user's first quantity; None where neither is known."""
    theta = evaluation.rows("theta")
    if theta is not None and theta.ndim == 2 and theta.shape[1]:
        return theta[:, 0], r"$\theta_0$ (dimensionless; sets the period)"
    for target in evaluation.arrays.get("predictions", {}):
        values = evaluation.target_values(target)
        if values is not None and values.dtype.kind == "f":
            return values, target_symbol(target)
    return None


def label_places(points: numpy.ndarray, instruments: numpy.ndarray) -> dict[int, numpy.ndarray]:
    """Where the label of an instrument goes: the median of one that keeps together, never on top of another label."""
    extent = numpy.ptp(points, axis=0).max()
    places: dict[int, numpy.ndarray] = {}
    for instrument in numpy.unique(instruments):
        own = points[instruments == instrument]
        centre = numpy.median(own, axis=0)
        near = numpy.linalg.norm(own - centre, axis=1) < 0.12 * extent
        free = all(numpy.linalg.norm(centre - other) > 0.08 * extent for other in places.values())
        if near.mean() > COMPACT and free:
            places[int(instrument)] = centre
    return places


def draw_instruments(axes, points: numpy.ndarray, instruments: numpy.ndarray, size: float) -> None:
    known, index = numpy.unique(instruments, return_inverse=True)
    colours = numpy.array(style.shades(len(known)))
    axes.scatter(*points.T, c=colours[index], s=size, linewidths=0, rasterized=True)
    if len(known) > LABELLED:
        return
    for instrument, place in label_places(points, instruments).items():
        halo = [patheffects.withStroke(linewidth=2.0, foreground="white")]
        axes.annotate(
            str(instrument), place, (5, 5), textcoords="offset points", fontsize=7.5, path_effects=halo, zorder=4
        )


def draw_quantity(figure, axes, points: numpy.ndarray, quantity: tuple, size: float, bar_beside) -> None:
    values, label = quantity
    known = numpy.isfinite(values)
    low, high = numpy.percentile(values[known], [2, 98])
    axes.scatter(*points[~known].T, c="#DDDDDD", s=size, linewidths=0, rasterized=True)
    drawn = axes.scatter(
        *points[known].T, c=values[known], s=size, linewidths=0, cmap="viridis", vmin=low, vmax=high, rasterized=True
    )
    if bar_beside is not None:
        figure.colorbar(drawn, ax=bar_beside, label=label, extend="both", aspect=30)


def limits(axes, points: numpy.ndarray) -> None:
    """Room for all but the few points that UMAP throws far away."""
    low, high = numpy.percentile(points, [0.5, 99.5], axis=0)
    margin = 0.12 * (high - low) + 1e-3
    axes.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[["top", "right"]].set_visible(True)


def draw(evaluation: Evaluation, run: str, out: Path) -> None:
    """Writes the maps of the spaces of `run` to `out`: a column a space, a row a colouring."""
    spaces = evaluation.latents(run)
    instruments = evaluation.rows("instrument_id")
    quantity = colouring(evaluation)
    chosen = numpy.random.default_rng(SEED).permutation(len(instruments))[:POINTS]  # also what is drawn over what
    rows = 2 if quantity else 1
    figure, grid = style.panels(rows, len(spaces), (3.5, 3.2))
    size = 4.0 if len(chosen) > 2000 else 9.0
    for column, (space, values) in enumerate(spaces.items()):
        points = embed(values[chosen])
        draw_instruments(grid[0, column], points, instruments[chosen], size)
        grid[0, column].set_title(f"{SYMBOLS.get(space, style.plain(space))} by instrument")
        if quantity:
            bar_beside = list(grid[1]) if column == len(spaces) - 1 else None
            draw_quantity(figure, grid[1, column], points, (quantity[0][chosen], quantity[1]), size, bar_beside)
            name = r"$\theta_0$" if "theta_0" in quantity[1] else quantity[1]
            grid[1, column].set_title(f"{SYMBOLS.get(space, style.plain(space))} by {name}")
        for axes in grid[:, column]:
            limits(axes, points)
            axes.set_xlabel("UMAP 1 (arbitrary)")
            axes.set_ylabel("UMAP 2 (arbitrary)")
    figure.suptitle(f"{style.plain(run)}: {len(chosen):,} curves of validation and test", fontsize=10)
    style.save(figure, out)
