"""A cluster of two nodes, each in a network namespace of its own, on which one run trains."""

import shutil
import tempfile
from pathlib import Path

import pytest

from test_slurm import BINARY, SCRIPTS, SMALL, assert_same_bits, code_of, metrics, output, succeed
from test_slurm import place, pytestmark  # noqa: F401
from slurm_cluster import SlurmCluster


@pytest.fixture(scope="module")
def cluster():
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    try:
        with SlurmCluster(folder, nodes=2, cores=2) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def train_on_two_nodes(cluster, place, run, *arguments, options=()):  # noqa: F811
    return cluster.submit("--nodes=2", "--ntasks-per-node=1", f"--output={place}/job.txt", *options,
                          SCRIPTS / "train.sbatch", place / "small.yaml", "--run", run, *arguments,
                          CAUSALFM_BINARY=str(BINARY), PWD=str(place))


def assert_same_run(place, steps, *settings):  # noqa: F811
    """The run of the job has the numbers of two ranks on this machine."""
    succeed("train", place / "small.yaml", "--run", place / "whole", *settings, ranks=2)
    name = f"checkpoints/step-{steps:08d}.h5"
    assert_same_bits(place / "run" / name, place / "whole" / name)
    assert metrics(place / "run") == metrics(place / "whole")


def test_two_nodes_give_the_numbers_of_one(cluster, place):  # noqa: F811
    end = cluster.await_end(train_on_two_nodes(cluster, place, place / "run"))
    assert end["JobState"] == "COMPLETED", output(place)
    log = (place / "run" / "log.txt").read_text()
    for rank in range(2):
        assert log.count(f"node-{rank}: rank {rank} on ") == 1, log
    assert_same_run(place, 20)


def test_a_run_folder_that_the_nodes_do_not_share_is_told(cluster, place):  # noqa: F811
    run = cluster.folder / "own" / "run"
    first = cluster.await_end(train_on_two_nodes(cluster, place, run, "--set", "train.steps=10"))
    assert first["JobState"] == "COMPLETED", output(place)
    assert output(place).count(f"rank 1 on node-1 does not see {run}") == 1, output(place)
    assert (cluster.own("node-0") / "run" / "summary.json").exists()
    second = cluster.await_end(train_on_two_nodes(cluster, place, run))
    assert code_of(second) == 2, output(place)
    assert f"causalfm: rank 1: {run} on node-1 is not the folder" in output(place), output(place)


def test_a_working_folder_that_only_one_node_has(cluster, place):  # noqa: F811
    """srun then starts the other rank in /tmp; the script's arguments must not depend on it."""
    work = cluster.own("node-0") / "work"
    work.mkdir()
    (work / "small.yaml").write_text(SMALL)
    job = train_on_two_nodes(cluster, place, place / "run", options=[f"--chdir={cluster.folder}/own/work"])
    assert cluster.await_end(job)["JobState"] == "COMPLETED", output(place)
