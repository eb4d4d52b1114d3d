"""scripts/slurm on a cluster of two nodes, whose ranks reach one another over the network alone."""

import shutil
import tempfile
from pathlib import Path

import pytest

from test_slurm import await_steps, code_of, output, place, pytestmark, train  # noqa: F401
from conftest import assert_same_bits, metrics, succeed
from slurm_cluster import SlurmCluster

STEPS = 300
DEADLINE = 6
SETTINGS = ("--set", f"train.steps={STEPS}", "--set", f"comm.deadline_seconds={DEADLINE}")
TWO_NODES = ("--nodes=2", "--ntasks-per-node=1")


@pytest.fixture
def cluster(request):
    """`request.param`: seconds after which Slurm gives a silent node up."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    try:
        with SlurmCluster(folder, nodes=2, cores=2, slurmd_timeout=getattr(request, "param", 600)) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def train_on_two_nodes(cluster, place, *arguments):  # noqa: F811
    return train(cluster, place, *SETTINGS, *arguments, options=TWO_NODES)


def assert_as_on_one_node(place):  # noqa: F811
    """The run is what two ranks on this machine, not interrupted, compute."""
    succeed("train", place / "small.yaml", "--run", place / "whole", *SETTINGS, ranks=2)
    last = Path("checkpoints", f"step-{STEPS:08}.h5")
    assert_same_bits(place / "run" / last, place / "whole" / last)
    assert metrics(place / "run") == metrics(place / "whole")


def test_two_nodes_give_the_numbers_of_one(cluster, place):  # noqa: F811
    end = cluster.await_end(train_on_two_nodes(cluster, place))
    assert end["JobState"] == "COMPLETED", output(place)
    assert end["NumNodes"] == "2"
    log = (place / "run" / "log.txt").read_text()
    for rank in (0, 1):
        assert f"node-{rank}: rank {rank} on cpu, NUMA node" in log, log
    assert_as_on_one_node(place)


def test_a_run_folder_that_the_nodes_do_not_share_is_told(cluster, place):  # noqa: F811
    own = cluster.folder / "own"
    job = train(cluster, place, "--run", own / "run", "--set", "train.steps=2", options=TWO_NODES)
    end = cluster.await_end(job)
    assert end["JobState"] == "COMPLETED", output(place)
    assert f"rank 1 on node-1 does not see {own}/run" in output(place), output(place)


def test_a_node_that_is_cut_off_ends_the_job_and_the_next_goes_on(cluster, place):  # noqa: F811
    job = train_on_two_nodes(cluster, place)
    await_steps(cluster, place, 60)
    cluster.cut("node-1")
    sentence = "rank 1 on node-1 has been silent for"
    cluster.await_that(lambda: sentence in output(place), "the sentence", DEADLINE + 50)
    # srun waits half a minute for the lost rank; Slurm waits for its node until that is back.
    cluster.await_that(lambda: cluster.job(job)["JobState"] != "RUNNING", "the end of the job", 120)
    assert output(place).count(sentence) == 1, output(place)
    assert metrics(place / "run")[-1]["step"] < STEPS
    cluster.mend("node-1")
    end = cluster.await_end(job)
    assert (end["JobState"], code_of(end), end["Restarts"]) == ("FAILED", 4, "0"), output(place)
    again = cluster.await_end(train_on_two_nodes(cluster, place), timeout=180)
    assert again["JobState"] == "COMPLETED", output(place)
    assert_as_on_one_node(place)
