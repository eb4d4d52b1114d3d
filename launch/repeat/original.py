"""What a run was: how many ranks and threads it had, and what it started from."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path


class OriginalError(Exception):
    """A run that cannot be repeated; the text is one sentence with a remedy."""


@dataclass
class Original:
    run: Path
    ranks: int
    threads: int | None  # of a rank; none: unknown
    instruction_set: str | None
    versions: dict[str, str] = field(default_factory=dict)
    initial_weights: str | None = None  # --init-from
    resumed_elsewhere: bool = False  # with other ranks, threads, …
    ended_by_itself: bool = False  # not interrupted, nor failed, nor still running

    def circumstances(self) -> dict[str, str | None]:
        """What may change a number in its last digits."""
        return {"instruction set": self.instruction_set, **self.versions}


def checkpoint_attributes(run: Path) -> dict:
    """Of the latest checkpoint, which says what summaries of older versions leave out; empty if there is none."""
    import h5py

    try:
        name = (run / "checkpoints" / "latest").read_text().strip()
        with h5py.File(run / "checkpoints" / name) as checkpoint:
            attributes = dict(checkpoint.attrs)
    except OSError:
        return {}
    return {key: value.decode() if isinstance(value, bytes) else value for key, value in attributes.items()}


def read_summary(run: Path) -> dict:
    try:
        return json.loads((run / "summary.json").read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise OriginalError(f"{run}/summary.json cannot be read ({error}): restore it or remove it") from None


def read_original(run: Path) -> Original:
    """@raises OriginalError for a folder that is no run, or has no line of metrics."""
    if not (run / "config.yaml").is_file():
        raise OriginalError(f"{run} holds no run (no config.yaml): give the folder of a run")
    if not (run / "metrics.jsonl").is_file():
        raise OriginalError(f"{run} has no metrics.jsonl yet: there is nothing to repeat")
    known = {**checkpoint_attributes(run), **read_summary(run)}
    if "ranks" not in known:
        raise OriginalError(f"{run} has neither summary.json nor a checkpoint, so its number of ranks is unknown")
    versions = known.get("versions", {})
    log = (run / "log.txt").read_text(errors="replace") if (run / "log.txt").is_file() else ""
    weights = re.findall(r"starting from the weights of (.*)", log)
    if weights and not Path(weights[-1]).exists():
        raise OriginalError(f"{run} started from the weights of {weights[-1]}, which is not there: restore it")
    return Original(
        run,
        int(known["ranks"]),
        int(known["threads"]) if "threads" in known else None,
        known.get("instruction_set"),
        json.loads(versions) if isinstance(versions, str) else versions,
        weights[-1] if weights else None,
        "the checkpoint was written under other conditions" in log,
        known.get("ended") in ("completed", "early_stopping"),
    )
