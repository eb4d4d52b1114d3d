"""scripts/slurm on a cluster of two nodes: ranks that reach one another over the network alone, and a node that is cut off."""

import shutil
import tempfile
from pathlib import Path

import pytest

from test_slurm import await_steps, output, place, pytestmark, train  # noqa: F401
from conftest import assert_same_bits, metrics, succeed
from slurm_cluster import SlurmCluster

STEPS = ("--set", "train.steps=300", "--set", "comm.deadline_seconds=5")
TWO_NODES = ("--nodes=2", "--ntasks-per-node=1")


@pytest.fixture
def cluster():
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    try:
        with SlurmCluster(folder, nodes=2, cores=2) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def expected(place):  # noqa: F811
    """The same training by two ranks on this machine."""
    succeed("train", place / "small.yaml", "--run", place / "expected", *STEPS, ranks=2)
    return place / "expected"


def test_two_nodes_train_as_one_does(cluster, place, expected):  # noqa: F811
    end = cluster.await_end(train(cluster, place, *STEPS, options=TWO_NODES))
    assert end["JobState"] == "COMPLETED", output(place)
    assert "node-0" in end["BatchHost"] and end["NumNodes"].startswith("2")
    assert_same_bits(place / "run", expected)


def test_a_node_that_is_cut_off_ends_the_job_and_the_next_goes_on(cluster, place, expected):  # noqa: F811
    job = train(cluster, place, *STEPS, options=TWO_NODES)
    await_steps(cluster, place, 60)
    cluster.cut("node-1")
    end = cluster.await_end(job, timeout=240)
    assert end["JobState"] in ("FAILED", "NODE_FAIL"), output(place)
    assert metrics(place / "run")[-1]["step"] < 300
    cluster.mend("node-1")
    cluster.await_nodes()
    again = cluster.await_end(train(cluster, place, *STEPS, options=TWO_NODES), timeout=240)
    assert again["JobState"] == "COMPLETED", output(place)
    assert_same_bits(place / "run", expected)
