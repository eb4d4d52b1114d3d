"""What a check has found, and how long it may take."""

import enum
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass


class Verdict(enum.Enum):
    OK = "ok"
    ABSENT = "absent"  # not there, and not needed for what is there
    WRONG = "wrong"


@dataclass
class Finding:
    name: str
    verdict: Verdict
    text: str


Answer = tuple[Verdict, str]


def ok(text: str) -> Answer:
    return Verdict.OK, text


def absent(text: str) -> Answer:
    return Verdict.ABSENT, text


def wrong(text: str) -> Answer:
    return Verdict.WRONG, text


def within(seconds: float, name: str, check: Callable[[], Answer]) -> Finding:
    """Carries a check out on a thread that is left behind when it hangs: a file system that is gone never answers."""
    answers: list[Answer] = []

    def run() -> None:
        try:
            answers.append(check())
        except OSError as error:
            answers.append(wrong(f"{error.filename or ''} {error.strerror}; correct its rights or choose another".strip()))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    # Programs that a check starts end a little before, so that it can say which of them hung.
    thread.join(seconds + 5)
    verdict, text = answers[0] if answers else wrong(f"no answer within {seconds:g} s: what it looks at hangs")
    return Finding(name, verdict, text)


def run(command: list, seconds: float, **options) -> tuple[int | None, str]:
    """Code and last words of a program; no code when it did not end in time."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=seconds, check=False,
                              stdin=subprocess.DEVNULL, **options)
    except subprocess.TimeoutExpired:
        return None, f"no end within {seconds:g} s"
    except OSError as error:
        return 127, f"{command[0]}: {error.strerror}"
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return done.returncode, said[-1] if said else f"code {done.returncode} without a word"
