"""Draws the pictures of a report and writes its page: OUT/figures/*.png and OUT/index.html.

usage: python scripts/figures/report.py OUT

OUT is a folder that `causalfm evaluate` wrote. Prints the path of each picture, one a line, and the page's last.
"""

import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import page
import pictures
from evaluation import Evaluation, ReportError, read_evaluation

PROCESSES = 2  # UMAP takes one while the other draws the rest

_chosen: list[pictures.Picture] = []  # inherited by the processes, since arrays need no copying then


def _draw(places: list[int], folder: Path) -> list[str]:
    """Draws what stands at `places`; a sentence for each that needs a package not there."""
    left_out = []
    for picture in (_chosen[place] for place in places):
        try:
            picture.draw(folder / picture.file)
        except ModuleNotFoundError as error:
            left_out.append(f"{picture.file} is left out: Python has no module {error.name}; run launch/setup.sh.")
        except (KeyError, IndexError, ValueError) as error:
            raise ReportError(
                f"{picture.file} cannot be drawn from evaluation.h5 ({type(error).__name__}: {error}): "
                "run causalfm evaluate again"
            ) from error
    return left_out


def tasks(chosen: list[pictures.Picture]) -> list[list[int]]:
    """What one process draws at a time, the longest first: all maps, for which numba then compiles once; else one."""
    maps = [place for place, picture in enumerate(chosen) if picture.kind == "latent_map"]
    return [maps] * bool(maps) + [[place] for place in range(len(chosen)) if place not in maps]


def draw(chosen: list[pictures.Picture], folder: Path) -> list[str]:
    """Draws every picture into `folder`, several at a time; a sentence for each that needs a package not there.

    @raises ReportError when an array that a picture needs is missing or has another shape.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for picture in chosen:
        (folder / picture.file).unlink(missing_ok=True)
    _chosen[:] = chosen
    processes = min(PROCESSES, len(os.sched_getaffinity(0)))
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
        done = [pool.submit(_draw, places, folder) for places in tasks(chosen)]
        return [sentence for task in done for sentence in task.result()]


def remove_others(folder: Path, keep: set[str]) -> None:
    """Removes pictures of an earlier report with other runs; what else lies in the folder stays."""
    for kind in pictures.KINDS:
        for file in [folder / f"{kind}.png", *folder.glob(f"{kind}-*.png")]:
            if file.name not in keep:
                file.unlink(missing_ok=True)


def make(evaluation: Evaluation) -> list[Path]:
    """Pictures and page of a report; the paths in the order of the page, the page itself last."""
    folder = evaluation.folder / "figures"
    choice = pictures.choose(evaluation)
    choice.left_out += draw(choice.pictures, folder)
    choice.pictures = [picture for picture in choice.pictures if (folder / picture.file).is_file()]
    remove_others(folder, {picture.file for picture in choice.pictures})
    for sentence in choice.left_out:
        print(f"report.py: {sentence}", file=sys.stderr)
    index = evaluation.folder / "index.html"
    beside = index.with_suffix(".html.part")
    beside.write_text(page.render(evaluation, choice), encoding="utf-8")
    beside.replace(index)
    return [*(folder / picture.file for picture in choice.pictures), index]


def main() -> int:
    parser = argparse.ArgumentParser(description="Draws the pictures of a report and writes its page index.html.")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder that causalfm evaluate wrote")
    arguments = parser.parse_args()
    try:
        print(*make(read_evaluation(arguments.out)), sep="\n")
    except (ReportError, OSError) as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
