"""How every figure of causalfm looks: one set of colours, sizes and lines."""

import matplotlib

matplotlib.use("Agg")  # figures are files; no display is needed

from matplotlib import pyplot  # noqa: E402

# Okabe & Ito 2008, "Color Universal Design": apart for the colour-blind; ordered so that neighbours differ in
# lightness, and so also in grey print. Yellow is left out: it vanishes on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

PANEL_INCHES = (3.2, 2.4)

SETTINGS = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "font.size": 9,
    "grid.color": "#E0E0E0",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "savefig.dpi": 200,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}


def panels(rows: int, columns: int):
    """A figure of so many panels of one size, in this style."""
    pyplot.rcParams.update(SETTINGS)
    width, height = PANEL_INCHES
    return pyplot.subplots(rows, columns, figsize=(width * columns, height * rows), squeeze=False)


def colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    return MARKERS[index % len(MARKERS)]
