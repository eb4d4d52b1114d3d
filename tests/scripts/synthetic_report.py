"""Writes a report folder as `causalfm evaluate` does, from made-up runs on made-up stars: for the pictures' tests.

usage: python tests/scripts/synthetic_report.py OUT
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy

COUNTS = (10, 30, 100, 300, 1000, 1600)
STELLAR, TERMS, LENGTH, INSTRUMENTS, LATENT = 13, 17, 100, 17, 20

# The ceiling of R2 and its distance from it at 10 labels, and accuracies of the linear and the MLP probe.
MADE_UP = {
    "raw": (0.83, 0.85, 0.33, 0.37),
    "fft": (0.93, 0.70, 0.21, 0.26),
    "untrained": (0.80, 0.90, 0.16, 0.24),
    "z_star": (0.88, 0.75, 0.068, 0.075),
    "z_instr": (0.66, 1.4, 0.47, 0.52),
    "quickstart-mlp/untrained": (0.90, 0.70, 0.19, 0.25),
    "quickstart-mlp/z_star": (0.97, 0.50, 0.066, 0.071),
    "quickstart-mlp/z_instr": (0.72, 1.1, 0.55, 0.58),
    "baseline": (0.78, 0.95, 0.101, 0.14),
}


@dataclass
class Choice:
    """What the made-up report holds."""

    truth: bool = True
    baseline: bool = True
    second_run: bool = True
    stars: int = 400
    rows: int = 1200
    label: str | None = None  # a target of the user's own, classified


def universe(random, stars: int) -> dict:
    return {
        "theta": numpy.column_stack([random.normal(0, 0.3, stars), random.normal(size=(stars, STELLAR - 1))]),
        "beta": random.normal(size=(INSTRUMENTS, TERMS)),
        "gamma": random.normal(size=(INSTRUMENTS, TERMS)),
    }


def curve(world: dict, star: int, instrument: int, phases: numpy.ndarray, noise) -> numpy.ndarray:
    """A star's harmonics times an instrument's slow terms, as in the paper's simulator."""
    steps = numpy.arange(LENGTH)
    theta = world["theta"][star]
    order = numpy.arange(1, STELLAR)
    angle = 2 * numpy.pi * order[:, None] * steps * 0.02 * numpy.exp(-theta[0]) + phases[:, None]
    signal = (theta[1:] / order) @ numpy.sin(angle)
    term = numpy.arange(TERMS)[:, None] * 0.01 * numpy.pi * steps
    slow = world["beta"][instrument] @ numpy.cos(term) + world["gamma"][instrument] @ numpy.sin(term)
    return numpy.clip(signal, -1, 1) + 0.045 * slow + noise


def scores(random, key: str) -> dict:
    ceiling, gap, *_ = MADE_UP[key]
    return {
        str(count): (ceiling - gap * (10 / count) ** 0.6 + random.normal(0, 0.25 / count**0.5, 5)).tolist()
        for count in COUNTS
    }


def interval(values: list[float], half: float) -> list[float]:
    return [float(numpy.mean(values)) - half, float(numpy.mean(values)) + half]


def run_entry(name: str, choice: Choice, role: str = "run", **changes) -> dict:
    entry = {
        "role": role,
        "folder": f"runs/{name}",
        "prefix": "",
        "step": 800,
        "checkpoint_sha256": "3f" * 32,
        "latents": "single" if role == "baseline" else "dual",
        "encoder": "conformer",
        "spectrum": "none",
        "parameters": 412_308,
        "configuration": f"# {name}\nseed: 7\nmodel:\n  encoder: conformer\nloss:\n  temperature: 0.5\n",
        "reconstruction_mse": 0.231,
        **changes,
    }
    if choice.truth and role == "run":
        entry["swap_mse"] = {"swap": 0.312, "no_swap": 0.231, "oracle": 0.224, "unchanged": 0.353}
    return entry


def runs(choice: Choice) -> dict:
    entries = {"quickstart": run_entry("quickstart", choice)}
    if choice.second_run:
        changes = {"prefix": "quickstart-mlp/", "encoder": "mlp", "spectrum": "amplitudes", "reconstruction_mse": 0.092}
        entries["quickstart-mlp"] = run_entry("quickstart-mlp", choice, **changes)
    if choice.baseline:
        entries["quickstart-single"] = run_entry("quickstart-single", choice, role="baseline")
    return entries


def keys(choice: Choice) -> list[str]:
    wanted = {"baseline": choice.baseline}
    return [key for key in MADE_UP if wanted.get(key, choice.second_run or "/" not in key)]


def report(random, choice: Choice) -> dict:
    used = keys(choice)
    content = {
        "format": "causalfm-report",
        "version": 1,
        "causalfm": "0.1.0",
        "command": "causalfm evaluate --run runs/quickstart --data data/quickstart --out reports/quickstart",
        "data": {
            "folder": "data/quickstart", "identity": "9c1e" * 16, "split_seed": 1, "instruments": INSTRUMENTS,
            "length": LENGTH, "flux_unit": "relative", "time_system": "steps",
            "stars": {"train": 1600, "validation": 200, "test": 200},
            "curves": {"train": 32000, "validation": 4000, "test": 4000},
        },
        "runs": runs(choice),
        "regression": {}, "regression_per_curve": {}, "regression_interval": {},
        "probes": {"instrument": {key: dict(zip(("linear", "mlp"), MADE_UP[key][2:])) for key in used}},
        "retrieval": {
            "star": {key: 0.2 + 0.6 * MADE_UP[key][0] ** 4 for key in used},
            "instrument": {key: MADE_UP[key][3] for key in used},
        },
        "reconstruction_mse": 0.231,
    }  # fmt: skip
    content["probes"]["instrument"]["chance"] = 1 / INSTRUMENTS
    if choice.truth:
        add_theta(random, content, used, choice)
    if choice.label:
        values = {key: scores(random, key) for key in used}
        content["classification"] = {choice.label: values}
    return content


def add_theta(random, content: dict, used: list[str], choice: Choice) -> None:
    content["swap_mse"] = content["runs"]["quickstart"]["swap_mse"]
    made = {key: scores(random, key) for key in used}
    content["regression"]["theta_0"] = made
    content["regression_per_curve"]["theta_0"] = {
        key: {count: [value - 0.04 for value in values] for count, values in by_count.items()}
        for key, by_count in made.items()
    }
    content["regression_interval"]["theta_0"] = {
        key: {count: interval(values, 0.15 / int(count) ** 0.25) for count, values in by_count.items()}
        for key, by_count in made.items()
    }
    content["probes"]["theta_0"] = {
        key: {"linear": MADE_UP[key][0] - 0.25, "mlp": MADE_UP[key][0] - 0.02} for key in used
    } | {"chance": 0.0}
    if choice.baseline:
        ratios = (
            (10, 1.0, (1.0, 2.2), -1),  # -1: at most, 1: at least
            (30, 2.6, (1.8, 3.9), 0),
            (100, 3.2, (2.1, 5.0), 0),
            (300, 4.9, (3.3, 5.3), 1),
        )
        content["label_efficiency"] = {
            "theta_0": [
                {"count": count, "ratio": ratio, "interval": list(ends), "censored": bound > 0}
                | ({"at_smallest": True} if bound < 0 else {})
                for count, ratio, ends, bound in ratios
            ]
        }


def latents(random, world: dict, star: numpy.ndarray, instrument: numpy.ndarray, sharpness: float) -> dict:
    """Two spaces with what they should hold, some of what they should not, and noise."""
    stellar = numpy.column_stack([3 * world["theta"][star, :1], numpy.abs(world["theta"][star, 1:5])])
    terms = numpy.column_stack([world["beta"][instrument, :4], world["gamma"][instrument, :4]])

    def mixed(own, other, leak):
        signal = own @ random.normal(size=(own.shape[1], LATENT)) + leak * other @ random.normal(
            size=(other.shape[1], LATENT)
        )
        return (numpy.tanh(0.4 * signal) + random.normal(0, 0.5 / sharpness, signal.shape)).astype("float32")

    return {"z_star": mixed(stellar, terms, 0.03), "z_instr": mixed(terms, stellar, 0.15)}


def example_curves(random, world: dict, stars, instruments, error: float) -> dict:
    phases = random.uniform(0, 2 * numpy.pi, (len(stars), STELLAR - 1))
    clean = [curve(world, s, m, p, 0.0) for s, m, p in zip(stars, instruments, phases)]
    clean = numpy.array(clean, "float32")
    mask = numpy.ones(clean.shape, "uint8")
    mask[0, 40:46] = 0
    flux = numpy.where(mask, clean + random.normal(0, 0.03, clean.shape), 0.0).astype("float32")
    smooth = numpy.cumsum(random.normal(size=clean.shape), axis=1) / 10
    scale = error * numpy.linspace(0.5, 2.0, len(stars))[:, None]
    return {
        "flux": flux, "mask": mask, "reconstructed": (clean + scale * smooth).astype("float32"),
        "star_id": numpy.array(stars), "instrument_id": numpy.array(instruments),
        "observation_id": random.integers(0, 40_000, len(stars)), "phases": phases, "smooth": scale * smooth,
    }  # fmt: skip


def counterfactual(random, world: dict, stars, instruments, others, error: float) -> dict:
    made = example_curves(random, world, stars, instruments, error)
    truth = [curve(world, s, m, p, 0.0) for s, m, p in zip(stars, others, made["phases"])]
    truth = numpy.array(truth, "float32")
    return {
        "flux": made["flux"], "truth": truth, "swapped": (truth + 1.2 * made["smooth"]).astype("float32"),
        "unchanged": made["reconstructed"], "star_id": made["star_id"], "instrument_id": made["instrument_id"],
        "other_instrument_id": numpy.array(others), "observation_id": made["observation_id"],
    }  # fmt: skip


def write_examples(random, group, world: dict, dual: bool, truth: bool, error: float) -> None:
    kinds = {
        "triplet": example_curves(random, world, [3, 3, 8], [2, 11, 2], error),
        "reconstruction": example_curves(random, world, [1, 4, 9, 16, 25, 36], [0, 3, 5, 7, 9, 11], error),
    }
    if dual and truth:
        kinds["counterfactual"] = counterfactual(
            random, world, [2, 3, 5, 7, 11, 13], [0, 3, 5, 7, 9, 11], [16, 12, 10, 8, 6, 4], error
        )
    for kind, values in kinds.items():
        for name, value in values.items():
            if name not in ("phases", "smooth"):
                group[f"{kind}/{name}"] = value
        if not truth:  # observed curves have times of their own
            group[f"{kind}/time"] = numpy.cumsum(random.uniform(0.5, 1.5, values["flux"].shape), axis=1)


def write_arrays(random, file: Path, choice: Choice) -> None:
    world = universe(random, choice.stars)
    star = random.integers(0, choice.stars, choice.rows)
    instrument = random.integers(0, INSTRUMENTS, choice.rows)
    with h5py.File(file, "w") as out:
        out.attrs["format"], out.attrs["version"] = "causalfm-evaluation", 1
        out["rows/star_id"], out["rows/instrument_id"] = star, instrument
        out["rows/observation_id"] = numpy.arange(choice.rows)
        out["rows/split"] = (1 + star % 2).astype("uint8")
        if choice.truth:
            out["time"] = numpy.arange(LENGTH, dtype="float32")
            out["rows/theta"] = world["theta"][star]
            out["truth/beta"], out["truth/gamma"] = world["beta"], world["gamma"]
        for index, (name, entry) in enumerate(runs(choice).items()):
            spaces = latents(random, world, star, instrument, 1.0 + index)
            if entry["role"] == "baseline":
                spaces = {"baseline": spaces["z_star"]}
            for space, values in spaces.items():
                out[f"latents/{entry['prefix']}{space}"] = values
            if entry["role"] == "run":
                out[f"latents/{entry['prefix']}untrained"] = spaces["z_star"][:, :8]
            dual = entry["latents"] == "dual"
            write_examples(random, out.create_group(f"examples/{name}"), world, dual, choice.truth, 0.2 / (1 + index))


def write_run(folder: Path, dual: bool) -> None:
    """metrics.jsonl of 800 steps."""
    lines = []
    random = numpy.random.default_rng(len(folder.name))
    for step in range(0, 800, 4):
        decay = numpy.exp(-step / 200)
        noise = random.normal(0, 0.05, 3)
        parts = {"reconstruction": 0.25 + 0.6 * decay, "star": 3.2 + 2 * decay, "instrument": 2.4 + decay}
        parts = {
            name: value + shift for (name, value), shift in zip(parts.items(), noise) if dual or name != "instrument"
        }
        lines.append({"step": step, "loss": sum(parts.values()), **parts})
        if step % 80 == 0 and step:
            line = {f"validation_{name}": value + 0.1 for name, value in parts.items()}
            recalls = {"validation_star_recall": 0.6 - 0.5 * decay, "validation_instrument_recall": 0.45 - 0.4 * decay}
            recalls = {name: value for name, value in recalls.items() if dual or "star" in name}
            lines.append({"step": step, "validation_loss": sum(line.values()), **line, **recalls})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_report(folder: Path, choice: Choice, run_root: Path | None = None) -> dict:
    """Writes report.json and evaluation.h5 to `folder`, runs under `run_root` if given; returns report.json."""
    random = numpy.random.default_rng(7)
    folder.mkdir(parents=True, exist_ok=True)
    content = report(random, choice)
    for name, entry in content["runs"].items():
        if run_root:
            entry["folder"] = str(run_root / name)
            write_run(run_root / name, entry["latents"] == "dual")
    write_arrays(random, folder / "evaluation.h5", choice)
    (folder / "report.json").write_text(json.dumps(content, indent=2))
    return content


def change(folder, **changes):
    """Writes top-level entries of report.json anew."""
    file = folder / "report.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


if __name__ == "__main__":
    out = Path(sys.argv[1])
    write_report(out, Choice(stars=2000, rows=5000), out / "runs")
