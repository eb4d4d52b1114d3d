"""Checks the C++ files of this tree and prints what is wrong, a line each: file, line and a sentence."""

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import clang
import house_rules
import rooms
from sources import changed_files, cpp_files

ROOT = Path(__file__).resolve().parent.parent.parent


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="launch/lint.sh",
        description="Checks format, the room table (launch/rooms.txt), rules of the house, and clang-tidy on the files "
        "changed since main: its commits that the remote lacks, or else the last commit, and the working tree.",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="clang-tidy on every file, however long it takes")
    which.add_argument("--quick", action="store_true", help="no clang-tidy")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="a configured folder (default: build)")
    seconds = "no clang-tidy on a changed file starts after so long (default 300)"
    parser.add_argument("--seconds", type=float, default=300, help=seconds)
    return parser.parse_args()


def main() -> int:
    arguments = read_arguments()
    start = time.monotonic()
    files = cpp_files(ROOT)
    found: set[str] = set()

    def report(findings: Iterable[str]) -> None:
        for finding in sorted(set(findings) - found):
            print(finding, flush=True)
            found.add(finding)

    tidied = 0
    try:
        report([*clang.check_format(ROOT, files), *rooms.check(ROOT, files), *house_rules.check(ROOT, files)])
        if not arguments.quick:
            wanted = files if arguments.all else changed_files(ROOT, files)
            seconds = float("inf") if arguments.all else arguments.seconds
            tidied, left = clang.check_tidy(ROOT, arguments.build, wanted, seconds, report)
            if left:
                print(f"lint.sh: {left} files are left after {seconds:g} s: launch/lint.sh --all checks them too")
    except clang.ToolError as error:
        print(f"lint.sh: {error}", file=sys.stderr)
        return 2
    verdict = f"{len(found)} findings" if found else "nothing wrong"
    seconds = time.monotonic() - start
    print(f"lint.sh: {verdict} in {len(files)} files, {tidied} of them seen by clang-tidy, after {seconds:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
