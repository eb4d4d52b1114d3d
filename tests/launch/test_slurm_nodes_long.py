"""A node that is cut off from the others in mid-run, and a time limit that ends a run."""

import json
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from slurm_cluster import SlurmCluster
from test_slurm import await_steps, code_of, metrics, output, train
from test_slurm import place, pytestmark  # noqa: F401
from test_slurm_nodes import assert_same_run, train_on_two_nodes

DEADLINE = 6
SETTINGS = ("--set", "train.steps=400", "--set", f"comm.deadline_seconds={DEADLINE}")
SOON = 20  # seconds after which Slurm gives a silent node up
SENTENCE = "rank 1 on node-1 has been silent for"


@pytest.fixture
def cluster(request):
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    try:
        with SlurmCluster(folder, nodes=2, cores=2, slurmd_timeout=getattr(request, "param", 600)) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cut_in_mid_run(cluster, place):  # noqa: F811
    job = train_on_two_nodes(cluster, place, place / "run", *SETTINGS)
    await_steps(cluster, place, 60)
    cluster.cut("node-1")
    begin = time.monotonic()
    cluster.await_that(lambda: SENTENCE in output(place), "the sentence", DEADLINE + 10)
    print(f"the survivor's sentence came {time.monotonic() - begin:.1f} s after the cut")
    return job, begin


def test_a_node_that_is_cut_off_ends_the_job_and_the_same_job_goes_on(cluster, place):  # noqa: F811
    job, begin = cut_in_mid_run(cluster, place)
    cluster.await_that(lambda: cluster.job(job)["JobState"] not in ("RUNNING", "PENDING"), "the end of the job", 90)
    print(f"the job ended {time.monotonic() - begin:.1f} s after the cut")
    ended = cluster.job(job)
    assert (code_of(ended), ended["Restarts"]) == (4, "0"), output(place)
    assert output(place).count(SENTENCE) == 1, output(place)
    cluster.mend("node-1")
    again = cluster.await_end(train_on_two_nodes(cluster, place, place / "run", *SETTINGS), 180)
    assert again["JobState"] == "COMPLETED", output(place)
    assert_same_run(place, 400, *SETTINGS)


@pytest.mark.parametrize("cluster", [SOON], indirect=True)
def test_a_node_that_slurm_gives_up_has_the_job_queued_again(cluster, place):  # noqa: F811
    job, begin = cut_in_mid_run(cluster, place)
    cluster.await_that(lambda: cluster.job(job)["JobState"] == "PENDING", "the requeue", 4 * SOON)
    print(f"the job was queued again {time.monotonic() - begin:.1f} s after the cut")
    cluster.mend("node-1")
    end = cluster.await_end(job, 180)
    assert (end["JobState"], end["Restarts"]) == ("COMPLETED", "1"), output(place)
    assert_same_run(place, 400, *SETTINGS)


def test_a_job_that_comes_to_its_time_limit_goes_on(cluster, place):  # noqa: F811
    """Slurm's shortest limit is a minute; it looks every half minute, so that the signal may come half a minute early."""
    cluster.await_end(train(cluster, place, "--set", "train.steps=400"))
    seconds = json.loads((place / "run" / "summary.json").read_text())["seconds"]
    steps = int(400 / seconds * 70)
    shutil.rmtree(place / "run")
    job = train(cluster, place, "--set", f"train.steps={steps}", options=["--time=1", "--signal=B:USR1@20"])
    end = cluster.await_end(job, 500)
    assert end["JobState"] == "COMPLETED" and int(end["Restarts"]) >= 1, output(place)
    assert [line["step"] for line in metrics(place / "run") if "loss" in line] == list(range(steps))
