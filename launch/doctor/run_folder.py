"""Whether the file system of a run's folder keeps what checkpoints and locks rely on."""

import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from finding import Answer, ok, wrong

GIB = 1 << 30


def nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    folder = folder.resolve()
    while not folder.exists():
        folder = folder.parent
    return folder


def within_it(check: Callable[[Path], Answer]) -> Callable[[Path], Answer]:
    """In a folder of its own there, which is removed."""

    def guarded(folder: Path) -> Answer:
        place = nearest(folder) / f".causalfm-doctor-{uuid.uuid4().hex[:8]}"
        place.mkdir()
        try:
            return check(place)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    return guarded


def durable(place: Path) -> Answer:
    with (place / "file").open("wb") as file:
        file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return ok("files and folders are synced")


def renames(place: Path) -> Answer:
    (place / "old").write_text("old")
    (place / "new").write_text("new")
    os.rename(place / "new", place / "old")
    if (place / "old").read_text() != "new" or (place / "new").exists():
        return wrong("a rename does not replace a file: choose another file system for runs")
    return ok("a rename replaces a file")


def exclusive(place: Path) -> Answer:
    (place / "lock").touch(exist_ok=False)
    try:
        (place / "lock").touch(exist_ok=False)
    except FileExistsError:
        return ok("a file is created by one process only")
    return wrong("two processes may create the same file: locks of runs do not hold here; never start a run twice")


def space(folder: Path) -> Answer:
    free = shutil.disk_usage(nearest(folder)).free
    text = f"{free / GIB:.1f} GiB free at {nearest(folder)}"
    return ok(text) if free > GIB else wrong(f"{text}: a run wants room for its checkpoints; `causalfm plan` tells how much")


CHECKS = (
    ("sync", within_it(durable)),
    ("rename", within_it(renames)),
    ("exclusive creation", within_it(exclusive)),
    ("space", space),
)
