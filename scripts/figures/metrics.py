"""Reads what a run says about itself: metrics.jsonl and summary.json."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy


class RunError(Exception):
    """A folder that is no run, or cannot be read; the text is one sentence with a remedy."""


@dataclass
class Metrics:
    """The lines of metrics.jsonl, training and validation apart, in order of step."""

    name: str
    training: list[dict]
    validation: list[dict]

    def series(self, field: str) -> tuple[numpy.ndarray, numpy.ndarray]:
        """Steps done and values of a field of either kind of line; empty where no line has it."""
        lines = self.validation if field.startswith("validation_") else self.training
        points = [(line["step"], float(line[field])) for line in lines if line.get(field) is not None]
        return numpy.array([p[0] for p in points], dtype=int), numpy.array([p[1] for p in points], dtype=float)


def distinct_names(runs: list[Path]) -> list[str]:
    """The runs' own names, with as many folders above them as tell them apart.

    @raises RunError when a run is named twice.
    """
    parts = [run.resolve().parts for run in runs]
    if len(set(parts)) < len(parts):
        raise RunError("a run is named twice: name each once")
    depth = 1
    while len({part[-depth:] for part in parts}) < len(parts):
        depth += 1
    return ["/".join(part[-depth:]).lstrip("/") for part in parts]


def read_metrics(run: Path) -> Metrics:
    """The metrics of a run's folder; a last line that is still being written is left out.

    @raises RunError naming file and line.
    """
    file = run / "metrics.jsonl"
    if not file.is_file():
        raise RunError(f"no {file}: is {run} the folder of a run?")
    training, validation = [], []
    lines = file.read_text().split("\n")
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            step = line["step"]
        except (ValueError, TypeError, KeyError):
            if number == len(lines):
                break
            raise RunError(f"{file}:{number} is no line of metrics: {text[:60]!r}") from None
        if not isinstance(step, int):
            raise RunError(f"{file}:{number}: step is {step!r}, not an integer")
        (validation if "validation_loss" in line else training).append(line)
    if not training and not validation:
        raise RunError(f"{file} holds no line yet: wait for the first step of {run}")
    return Metrics(run.resolve().name, training, validation)


def read_summary(run: Path) -> dict:
    """summary.json, empty while the run has not ended."""
    try:
        return json.loads((run / "summary.json").read_text())
    except FileNotFoundError:
        return {}


def best_step(metrics: Metrics) -> int | None:
    """The step of the lowest validation loss."""
    steps, losses = metrics.series("validation_loss")
    finite = [(loss, step) for step, loss in zip(steps, losses) if math.isfinite(loss)]
    return int(min(finite)[1]) if finite else None
