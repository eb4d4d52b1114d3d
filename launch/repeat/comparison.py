"""Compares lines of metrics but for what the clock says."""

import json
import math
from dataclasses import dataclass
from pathlib import Path


def is_clock(field: str) -> bool:
    return field in ("seconds", "curves_per_second") or field.endswith("_seconds")


@dataclass
class Difference:
    sentence: str


class MetricsFile:
    """metrics.jsonl, of which complete lines are read as they come."""

    def __init__(self, file: Path):
        self._file = file
        self._read = 0

    def new_lines(self) -> list[dict]:
        """Those since the last call. A last line that is still being written waits."""
        try:
            with self._file.open("rb") as opened:
                opened.seek(self._read)
                text = opened.read()
        except FileNotFoundError:
            return []
        complete = text[: text.rfind(b"\n") + 1]
        self._read += len(complete)
        return [json.loads(line) for line in complete.splitlines() if line.strip()]

    def lines(self) -> list[dict]:
        self._read = 0
        return self.new_lines()


def amount(first: object, second: object) -> str:
    """By how much two values differ, where they are numbers."""
    try:
        a, b = float(first), float(second)
    except (TypeError, ValueError):
        return ""
    if not (math.isfinite(a) and math.isfinite(b)):
        return ""
    size = max(abs(a), abs(b))
    return f", a difference of {abs(a - b):.3g} ({abs(a - b) / size:.2g} of it)"


def first_difference(number: int, first: dict, second: dict) -> Difference | None:
    """Between line `number` (from 1) of both; numbers are equal when their bits are."""
    place = f"line {number} (step {first.get('step')})"
    names = [name for name in first if not is_clock(name)]
    for name in names:
        if name not in second:
            return Difference(f"{place} has {name} in the original only")
        if first[name] != second[name]:
            values = f"{first[name]!r} in the original, {second[name]!r} now"
            return Difference(f"{place}, {name}: {values}{amount(first[name], second[name])}")
    for name in second:
        if not is_clock(name) and name not in first:
            return Difference(f"{place} has {name} in the repetition only")
    return None


class Comparison:
    """Takes the lines of the repetition as they come."""

    def __init__(self, original: list[dict]):
        self._original = original
        self.compared = 0  # lines, all equal
        self.difference: Difference | None = None

    @property
    def decided(self) -> bool:
        """A difference is found, or no line is left to compare."""
        return self.difference is not None or self.compared == len(self._original)

    def take(self, lines: list[dict]) -> bool:
        """Whether there are more lines than the original has."""
        for line in lines:
            if self.decided:
                return True
            self.difference = first_difference(self.compared + 1, self._original[self.compared], line)
            if self.difference is None:
                self.compared += 1
        return False
