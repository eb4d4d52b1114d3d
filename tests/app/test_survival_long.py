"""A hundred random kills over one to three ranks."""

import pytest

from test_survival import survive


@pytest.mark.parametrize("ranks, kills, seed", [(None, 10, 1), (None, 10, 2), (None, 10, 3), (2, 10, 4), (2, 10, 5), (2, 10, 6),
                                                (2, 10, 7), (3, 10, 8), (3, 10, 9), (3, 10, 10)])
def test_random_kills_leave_no_trace(small, tmp_path, ranks, kills, seed):
    survive(small, tmp_path, ranks, kills, seed)
