"""Which pictures a report gets, what each shows and how to read it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import counterfactual
import label_efficiency
import latent_correlation
import latent_map
import learning_curve
import probes
import reconstruction
import style
import triplet
from evaluation import Evaluation, targets
from metrics import Metrics, RunError, read_metrics

KINDS = (
    "latent_map", "label_efficiency", "probes", "latent_correlation", "reconstruction", "counterfactual", "triplet",
    "learning_curve",
)  # fmt: skip

FEWEST = 10  # fewer curves make no map


@dataclass
class Picture:
    """One PNG of a report, with the words that go with it; `draw` writes it to the path that it is given."""

    kind: str
    file: str
    heading: str
    shows: str
    good: str
    bad: str
    draw: Callable[[Path], None] = field(repr=False)
    run: str | None = None  # of whose latents or curves it is; None where it compares


@dataclass
class Choice:
    """The pictures that the content allows, and a sentence for each that it does not."""

    pictures: list[Picture] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def file_name(kind: str, part: str | None = None) -> str:
    """KIND.png, or KIND-PART.png with what a file name may hold of PART."""
    return f"{kind}-{re.sub(r'[^A-Za-z0-9._-]+', '_', part)}.png" if part else f"{kind}.png"


def _dual_runs(evaluation: Evaluation) -> list[str]:
    return [name for name, run in evaluation.runs.items() if run.get("latents") == "dual" and evaluation.latents(name)]


def _maps(evaluation: Evaluation) -> list[Picture]:
    stars = evaluation.rows("star_id")
    if stars is None or len(stars) < FEWEST:
        return []
    by = " and by θ₀ (below)" if evaluation.rows("theta") is not None else ""
    return [
        Picture(
            "latent_map",
            file_name("latent_map", run if place else None),
            "The two latent spaces (the paper's Figure 2)",
            f"UMAP of both spaces, a point a light curve, coloured by instrument{by}. Numbers name instruments that "
            "keep together. Directions and distances between clusters mean nothing.",
            "z_star is an even mixture of instruments in which θ₀ changes smoothly; z_instr falls into one cluster "
            "for each instrument, and θ₀ is scattered inside them.",
            "instruments stand apart in z_star, or z_instr shows a slope in θ₀.",
            lambda out, run=run: latent_map.draw(evaluation, run, out),
            run,
        )
        for place, run in enumerate(_dual_runs(evaluation))
    ]


def _efficiencies(evaluation: Evaluation) -> list[Picture]:
    pictures = []
    for place, (kind, target) in enumerate(targets(evaluation.report)):
        if not any(evaluation.report[kind][target].values()):
            continue
        score = "R²" if kind == "regression" else "balanced accuracy"
        named = "θ₀" if target == "theta_0" else target
        pictures.append(
            Picture(
                "label_efficiency",
                file_name("label_efficiency", target if place else None),
                f"{named} from few labels (the paper's Figure 3)",
                f"{score} of {named} on test stars over the number of labelled stars; points are means over label "
                "draws, bars one standard deviation. Triangles at the lower edge are below the axis. Where there is "
                "a baseline, the second panel gives how many times as many labels it needs.",
                "z_star lies above the raw curve, the Fourier amplitudes, the untrained network and the baseline, "
                "the more so the fewer the labels.",
                "z_star lies no higher than the untrained network: training taught it nothing about the star.",
                lambda out, kind=kind, target=target: label_efficiency.draw(evaluation, kind, target, out),
            )
        )
    return pictures


def _probes(evaluation: Evaluation) -> list[Picture]:
    if not any(set(probe) - {"chance"} for probe in evaluation.report.get("probes", {}).values()):
        return []
    return [
        Picture(
            "probes",
            file_name("probes"),
            "What probes read off each representation",
            "Fresh linear and MLP probes, fitted on all training stars and scored on the curves of test stars.",
            "z_star at the line of chance for the instrument and far right for θ₀; z_instr the other way round.",
            "z_star near the raw curve for the instrument: the instrument is still in it.",
            lambda out: probes.draw(evaluation, out),
        )
    ]


def _correlations(evaluation: Evaluation) -> list[Picture]:
    theta = evaluation.rows("theta")
    if theta is None or theta.ndim != 2:
        return []
    return [
        Picture(
            "latent_correlation",
            file_name("latent_correlation", run if place else None),
            "What each latent goes with",
            "The absolute correlation of every latent with θ₀, the harmonics' amplitudes and the instrument's terms; "
            "latents sorted by θ₀. With few instruments, their terms also go with one another by chance: with 17, "
            "values up to 0.5 among them say little.",
            "z_star dark on the left and pale on the right; z_instr pale on the left and dark on the right.",
            "z_instr dark on the left: physics leaks into it. Correlation sees straight lines only, probes more.",
            lambda out, run=run: latent_correlation.draw(evaluation, run, out),
            run,
        )
        for place, run in enumerate(_dual_runs(evaluation))
    ]


CURVES = {
    "reconstruction": (
        reconstruction,
        "Reconstructions",
        "Test curves, from the best to the worst reconstruction, with the residuals below. Where the mask says that "
        "nothing was observed there is a gap.",
        "residuals are noise without shape, and the worst is not far from the middle.",
        "residuals follow the curve: the decoder misses phase or amplitude.",
    ),
    "counterfactual": (
        counterfactual,
        "A star as another instrument would see it",
        "z_star of a curve is decoded with z_instr of another instrument, and compared with what the simulator says "
        "that instrument would have measured (black). Dashed: the same curve decoded for its own instrument.",
        "the residual of the swap is flatter than the dashed one: the model has changed the instrument alone.",
        "the swap is no nearer the truth than the unchanged reconstruction.",
    ),
    "triplet": (
        triplet,
        "A triplet (the paper's Figure 4)",
        "What the model learns from: an anchor, the same star under another instrument, and another star under the "
        "anchor's instrument, each with its reconstruction.",
        "the lines follow the points in all three.",
        "one reconstruction looks like the other: the encoders have collapsed.",
    ),
}


def _curves(evaluation: Evaluation, kind: str) -> list[Picture]:
    module, heading, shows, good, bad = CURVES[kind]
    runs = [run for run in evaluation.runs if evaluation.example(run, kind)]
    return [
        Picture(
            kind,
            file_name(kind, run if place else None),
            heading,
            shows,
            good,
            bad,
            lambda out, run=run: module.draw(evaluation, run, out),
            run,
        )
        for place, run in enumerate(runs)
    ]


def _learning_curves(evaluation: Evaluation, left_out: list[str]) -> list[Picture]:
    found: list[Metrics] = []
    for name, run in evaluation.runs.items():
        try:
            metrics = read_metrics(Path(str(run.get("folder", name))))
            metrics.name = style.plain(name)
            found.append(metrics)
        except (RunError, OSError) as error:
            left_out.append(f"The learning curve of {name} is left out: {error}")
    if not found:
        return []
    return [
        Picture(
            "learning_curve",
            file_name("learning_curve"),
            "Learning curves",
            "Losses of training (pale: each step; line: running mean) and validation, and the recalls at 1 on "
            "validation curves. Recalls can be compared; losses of other temperatures or batch sizes cannot.",
            "validation follows training down and levels off; both recalls rise far above chance.",
            "validation rises while training falls (overfitting), or a recall stays at chance (collapse).",
            lambda out: learning_curve.draw(found, out),
        )
    ]


def _missing(evaluation: Evaluation, drawn: set[str], left_out: list[str]) -> None:
    reasons = {
        "latent_map": f"it needs a run with two latent spaces and {FEWEST} curves",
        "label_efficiency": "the data hold no truth, and no labels were given",
        "probes": "no probe was fitted",
        "latent_correlation": "the data hold no truth",
        "counterfactual": "it needs simulated data and a run with two latent spaces",
        "reconstruction": "the report holds no example curves",
        "triplet": "the report holds no example curves",
    }
    for kind, reason in reasons.items():
        if kind not in drawn:
            left_out.append(f"{file_name(kind)} is left out: {reason}.")


def choose(evaluation: Evaluation) -> Choice:
    """Every picture that the content allows, in the order of the page."""
    choice = Choice()
    makers = {
        "latent_map": _maps,
        "label_efficiency": _efficiencies,
        "probes": _probes,
        "latent_correlation": _correlations,
        "learning_curve": lambda content: _learning_curves(content, choice.left_out),
    }
    for kind in KINDS:
        maker = makers.get(kind, lambda content, kind=kind: _curves(content, kind))
        choice.pictures += maker(evaluation)
    _missing(evaluation, {picture.kind for picture in choice.pictures}, choice.left_out)
    return choice
