"""How every figure of causalfm looks: one set of colours, sizes and lines."""

import colorsys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # figures are files; no display is needed

from matplotlib import colors, pyplot  # noqa: E402

# Okabe & Ito 2008, "Color Universal Design": apart for the colour-blind; ordered so that neighbours differ in
# lightness, and so also in grey print. Yellow is left out: it vanishes on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
NEUTRAL = "#555555"  # what is no run: raw curves, guides, the keys of a legend
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


def panels(rows: int, columns: int, inches: tuple[float, float] = PANEL_INCHES, **options):
    """A figure of so many panels, each of `inches`, in this style; `options` are those of pyplot.subplots."""
    pyplot.rcParams.update(SETTINGS)
    width, height = inches
    return pyplot.subplots(rows, columns, figsize=(width * columns, height * rows), squeeze=False, **options)


def save(figure, out: Path) -> None:
    """Writes and closes a figure; the same picture is the same bytes."""
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, bbox_inches="tight", pad_inches=0.06, metadata={"Software": "causalfm"})
    pyplot.close(figure)


def colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    return MARKERS[index % len(MARKERS)]


def shades(count: int) -> list[str]:
    """`count` colours for things that have no order: the hues of COLOURS without black, then darker, then lighter."""
    chosen = []
    for lightness in (1.0, 0.6, 1.35):
        for name in COLOURS[:-1]:
            hue, light, saturation = colorsys.rgb_to_hls(*colors.to_rgb(name))
            chosen.append(colors.to_hex(colorsys.hls_to_rgb(hue, min(0.8, light * lightness), saturation)))
    return [chosen[index % len(chosen)] for index in range(count)]


def plain(text: str, longest: int = 30) -> str:
    """A name from a file as matplotlib shows it: no mathematics, not longer than `longest`."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    return text.replace("$", r"\$")
