"""What the command line and the environment ask for."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
USAGE = """\
usage: launch/mpirun.sh [--hostfile FILE] [--grace SECONDS] N ARGS...

  N                  ranks to start
  ARGS               arguments of causalfm, such as: train configs/paper.yaml --set seed=3
  --hostfile FILE    hosts to use, one a line: NAME slots=RANKS
  --grace SECONDS    how long the ranks may take to save after a signal (default 120)

The binary is build/causalfm, in an installation its bin/causalfm, or $CAUSALFM_BINARY. The cores of a host are shared
among its ranks: each is bound to its share, and OMP_NUM_THREADS, unless it is set, says how large that is; more ranks
than cores run unbound.

TERM, INT, HUP and USR1 reach every rank as USR1, on which `train` saves and ends with code 75; a second INT ends all
at once. The exit code is the one that the ranks agreed on, or 4 when a rank was killed from outside or did not end in
time. With --log-level debug among ARGS everything that Open MPI says is shown."""


class UsageError(Exception):
    """What was asked for cannot be started; the text is one sentence with a remedy."""


@dataclass
class Request:
    """The command line."""

    ranks: int
    arguments: list[str]
    hostfile: Path | None = None
    grace: float = 120.0

    @property
    def debug(self) -> bool:
        """Everything that Open MPI says is wanted, stack traces included."""
        return "--log-level=debug" in self.arguments or ("--log-level", "debug") in zip(
            self.arguments, self.arguments[1:]
        )


def read_request(arguments: list[str]) -> Request:
    """Parses options up to N; what follows belongs to causalfm."""
    request = Request(0, [])
    rest = list(arguments)
    while rest and rest[0].startswith("--"):
        option, _, value = rest.pop(0).partition("=")
        if option == "--help":
            print(USAGE)
            sys.exit(0)
        if option not in ("--hostfile", "--grace"):
            raise UsageError(f"unknown option {option} before the number of ranks")
        if not value and not rest:
            raise UsageError(f"{option} needs a value")
        value = value or rest.pop(0)
        if option == "--hostfile":
            request.hostfile = Path(value)
            if not request.hostfile.is_file():
                raise UsageError(f"no host file {value}: name a file with a line 'HOST slots=RANKS' for each host")
        else:
            if not re.fullmatch(r"\d+(\.\d*)?", value):
                raise UsageError(f"--grace is a number of seconds, not '{value}'")
            request.grace = float(value)
    if not rest or not re.fullmatch(r"[1-9]\d{0,5}", rest[0]):
        raise UsageError(f"the number of ranks is a positive integer, not '{rest[0] if rest else ''}'")
    request.ranks = int(rest[0])
    request.arguments = rest[1:]
    return request


def find_binary() -> Path:
    """$CAUSALFM_BINARY, the source tree's build/causalfm, or that of the installation or bundle that this is part of."""
    chosen = os.environ.get("CAUSALFM_BINARY")
    in_source_tree = (ROOT / "CMakeLists.txt").exists()
    own = ROOT / "build" / "causalfm" if in_source_tree else ROOT.parent.parent / "bin" / "causalfm"
    binary = Path(chosen) if chosen else own
    if not (binary.is_file() and os.access(binary, os.X_OK)):
        raise UsageError(
            f"no program {binary}: " + ("correct CAUSALFM_BINARY" if chosen else "build it with launch/build.sh")
        )
    return binary.resolve()


def say(sentence: str) -> None:
    """One sentence of this launcher on stderr."""
    print(f"causalfm: {sentence}", file=sys.stderr, flush=True)
