"""What tests/launch/test_slurm.py shows of srun and one signal, of the other launcher and signals: a requeue takes 20 s."""

import pytest

from test_slurm import cluster, ends_with_the_same_numbers, goes_on_after_signal_to_the_step, place  # noqa: F401
from test_slurm import pytestmark  # noqa: F401


def test_a_job_under_mpirun_is_requeued_and_ends_with_the_same_numbers(cluster, place):  # noqa: F811
    ends_with_the_same_numbers(cluster, place, "mpirun")


@pytest.mark.parametrize("name", ["TERM", "USR1"])
def test_a_signal_to_srun_s_step_saves_on_all_ranks(cluster, place, name):  # noqa: F811
    goes_on_after_signal_to_the_step(cluster, place, name)
