"""Reads the folder that `causalfm evaluate` wrote: report.json and evaluation.h5."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy

from representation import ORDER

VERSION = 1
# What pictures need of evaluation.h5; predictions and label sets, the largest part, are for those who check numbers.
READ = ("rows", "truth", "latents", "time", "examples")


class ReportError(Exception):
    """A folder that holds no report, or one that cannot be read; the text is one sentence with a remedy."""


@dataclass
class Evaluation:
    """A report's numbers, and the arrays its pictures are drawn from."""

    folder: Path
    report: dict  # report.json as it is
    arrays: dict  # evaluation.h5: nested dictionaries of arrays

    @property
    def runs(self) -> dict[str, dict]:
        return self.report["runs"]

    def rows(self, name: str) -> numpy.ndarray | None:
        """A column of the curves whose latents were kept, such as `instrument_id` [n] or `theta` [n, K]."""
        return self.arrays.get("rows", {}).get(name)

    def latents(self, run: str) -> dict[str, numpy.ndarray]:
        """The spaces of a run, such as {"z_star": [n, d], "z_instr": [n, d]}; empty where none was kept."""
        prefix = self.runs[run].get("prefix", "")
        group = self.arrays.get("latents", {})
        if self.runs[run].get("role") == "baseline":
            return {"z": group["baseline"]} if isinstance(group.get("baseline"), numpy.ndarray) else {}
        if prefix:
            group = group.get(prefix.rstrip("/"), {})
        names = [name for name, values in group.items() if isinstance(values, numpy.ndarray) and name[0] == "z"]
        names.sort(key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
        return {name: group[name] for name in names}

    def example(self, run: str, kind: str) -> dict[str, numpy.ndarray]:
        """The curves chosen for a picture (triplet, reconstruction, counterfactual); empty where there are none."""
        return self.arrays.get("examples", {}).get(run, {}).get(kind, {})

    def times(self, example: dict[str, numpy.ndarray]) -> numpy.ndarray:
        """The times [n, T] of an example's curves: their own, or those that all curves of the data share."""
        shape = example["flux"].shape
        return numpy.broadcast_to(example["time"] if "time" in example else self.arrays["time"], shape)

    def target_values(self, target: str) -> numpy.ndarray | None:
        """The user's quantity for every row, NaN where it is not known; None where nothing is."""
        predictions = self.arrays.get("predictions", {}).get(target, {})
        stars = self.rows("star_id")
        if stars is None or not {"star_id", "truth"} <= predictions.keys():
            return None
        known = dict(zip(predictions["star_id"].tolist(), predictions["truth"].tolist()))
        values = numpy.array([known.get(star, math.nan) for star in stars.tolist()])
        return values if numpy.isfinite(values).any() else None


def number(value) -> float:
    """A number of report.json, where what is not finite is a string."""
    return float(value) if value is not None else math.nan


def targets(report: dict) -> list[tuple[str, str]]:
    """Each (kind, target), kind being `regression` or `classification`, in the order of the report."""
    return [(kind, name) for kind in ("regression", "classification") for name in report.get(kind, {})]


def counts(scores: dict) -> list[int]:
    """The label counts that any representation of a target has."""
    return sorted({int(count) for by_count in scores.values() for count in by_count})


def _json(file: Path) -> dict:
    if not file.is_file():
        raise ReportError(f"no {file}: is {file.parent} a folder that causalfm evaluate wrote?")
    try:
        report = json.loads(file.read_text())
    except (ValueError, OSError) as error:
        raise ReportError(f"{file} cannot be read ({error}): run causalfm evaluate again") from None
    if not isinstance(report, dict) or report.get("format") != "causalfm-report":
        raise ReportError(f"{file} is no report of causalfm: its format is not 'causalfm-report'")
    return report


def _check(file: Path, report: dict) -> None:
    version = report.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise ReportError(f"{file} has version {version!r}, this program reads up to {VERSION}: use a newer causalfm")
    runs = report.get("runs")
    if not isinstance(runs, dict) or not runs or not all(isinstance(run, dict) for run in runs.values()):
        raise ReportError(f"{file} names no runs: run causalfm evaluate again")
    try:
        for kind, target in targets(report):
            for by_count in report[kind][target].values():
                for count, values in by_count.items():
                    [int(count), *map(number, values)]
        for probe in report.get("probes", {}).values():
            for name, value in probe.items():
                number(value) if name == "chance" else [number(score) for score in value.values()]
    except (AttributeError, TypeError, ValueError) as error:
        raise ReportError(f"{file}: a score is not as written by causalfm evaluate ({error}): run it again") from None


def _tree(item, wanted=lambda path: True, path: str = ""):
    if isinstance(item, h5py.Dataset):
        return item[()]
    return {name: _tree(item[name], wanted, f"{path}/{name}") for name in item if wanted(f"{path}/{name}")}


def _wanted(path: str) -> bool:
    parts = path.strip("/").split("/")
    if parts[0] == "predictions":
        return len(parts) < 3 or parts[2] in ("star_id", "truth")
    return parts[0] in READ


def _arrays(file: Path) -> dict:
    if not file.is_file():
        raise ReportError(f"no {file}: run causalfm evaluate again")
    try:
        with h5py.File(file) as opened:
            kind, version = opened.attrs.get("format"), opened.attrs.get("version", 0)
            kind = kind.decode() if isinstance(kind, bytes) else kind
            if kind != "causalfm-evaluation" or int(version) > VERSION:
                raise ReportError(
                    f"{file} has format {kind!r}, version {version}, not 'causalfm-evaluation' up to {VERSION}: "
                    "use the causalfm that wrote it"
                )
            arrays = _tree(opened, _wanted)
    except (OSError, KeyError, ValueError) as error:
        raise ReportError(f"{file} cannot be read ({error}): run causalfm evaluate again") from None
    _check_lengths(file, arrays)
    return arrays


def _check_lengths(file: Path, arrays: dict) -> None:
    rows = arrays.get("rows", {})
    length = len(rows.get("star_id", ()))

    def check(name: str, item) -> None:
        if isinstance(item, dict):
            for key, value in item.items():
                check(f"{name}/{key}", value)
        elif len(item) != length:
            raise ReportError(
                f"{file}: {name} has {len(item)} rows, rows/star_id {length}: run causalfm evaluate again"
            )

    for group in ("rows", "latents"):
        check(group, arrays.get(group, {}))


def read_evaluation(folder: Path) -> Evaluation:
    """The report in `folder`.

    @raises ReportError naming the file, when one is missing, damaged, of another format or of a newer version.
    """
    report = _json(folder / "report.json")
    _check(folder / "report.json", report)
    return Evaluation(folder, report, _arrays(folder / "evaluation.h5"))
