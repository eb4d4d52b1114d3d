"""The filter that tells Open MPI's messages from what the ranks say, however the stream is cut into pieces."""

import os
import random
import sys
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("CAUSALFM_SOURCE", Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "launch" / "mpirun"))

from banners import RULER, BannerFilter  # noqa: E402

NOTICE = b"mpirun noticed that process rank 1 with PID 0 on node vm exited on signal 9 (Killed)."
FRAME = b"\n".join([RULER, NOTICE, RULER, b""])
FORWARDING = b"mpirun: Forwarding signal 10 to job\n"
AGGREGATE = b"[vm:07923] 1 more process has sent help message help-mpi-api.txt / mpi-abort\n"
OURS = [b"causalfm: rank 0: a sentence\n", b"\n", b"- item\n", b"---\n", b"[a bracket]\n", b"step 1\rstep 2\r\n"]


@pytest.mark.parametrize("seed", range(200))
def test_only_banners_are_kept_back(seed):
    generator = random.Random(seed)
    pieces = generator.choices([FRAME, FORWARDING, AGGREGATE, *OURS], k=20)
    stream = b"".join(pieces)
    expected = b"".join(piece for piece in pieces if piece in OURS)
    filtered, shown, start = BannerFilter(enabled=True), b"", 0
    while start < len(stream):
        # mpirun writes a frame or a line of its own at once; cuts fall where a pipe's buffer ends.
        end = start + generator.choice([1, 3, 40, 100, 1000])
        shown += filtered.feed(stream[start:end])
        start = end
    shown += filtered.flush()
    assert shown == expected


def test_frame_after_an_unfinished_line():
    filtered = BannerFilter(enabled=True)
    assert filtered.feed(b"unfinished") == b"unfinished"
    assert filtered.feed(FRAME + b" end\n") == b" end\n"
    assert "exited on signal 9" in filtered.banners


def test_a_ruler_of_our_own_is_shown_after_a_pause():
    filtered = BannerFilter(enabled=True)
    assert filtered.feed(RULER + b"\nours\n") == b""
    assert filtered.holds
    assert filtered.flush() == RULER + b"\nours\n"
    assert not filtered.holds and not filtered.banners
