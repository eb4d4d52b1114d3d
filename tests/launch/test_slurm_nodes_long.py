"""A node that Slurm gives up in mid-run, and a time limit that ends a job."""

import json
import shutil

import pytest

from test_slurm_nodes import (  # noqa: F401
    assert_as_on_one_node, await_steps, cluster, output, place, pytestmark, train, train_on_two_nodes)
from conftest import metrics


@pytest.mark.parametrize("cluster", [20], indirect=True)
def test_a_node_that_slurm_gives_up_has_the_job_queued_again(cluster, place):  # noqa: F811
    job = train_on_two_nodes(cluster, place, "--set", "comm.deadline_seconds=600")
    await_steps(cluster, place, 60)
    cluster.cut("node-1")
    cluster.await_that(lambda: cluster.job(job)["JobState"] == "PENDING", "the requeue", 120)
    cluster.mend("node-1")
    end = cluster.await_end(job, 240)
    assert (end["JobState"], end["Restarts"]) == ("COMPLETED", "1"), output(place)
    assert_as_on_one_node(place)


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
