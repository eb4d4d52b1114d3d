"""The scripts of scripts/slurm in a real cluster of one node, which the test starts."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "app")]

from conftest import BINARY, SMALL, SOURCE, assert_same_bits, metrics, succeed  # noqa: E402
from slurm_cluster import SlurmCluster, impossible  # noqa: E402

pytestmark = pytest.mark.skipif(bool(impossible()), reason=impossible() or "it can")
SCRIPTS = SOURCE / "scripts" / "slurm"
LONG = ("--set", "train.steps=400")


@pytest.fixture(scope="module")
def cluster():
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    try:
        with SlurmCluster(folder, nodes=1, cores=4) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place(cluster, tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


def submit(cluster, place, script, *arguments, options=(), **variables):
    return cluster.submit("--ntasks=2", f"--output={place}/job.txt", *options, SCRIPTS / script, *arguments,
                          CAUSALFM_BINARY=str(BINARY), PWD=str(place), **variables)


def train(cluster, place, *arguments, options=(), **variables):
    return submit(cluster, place, "train.sbatch", place / "small.yaml", "--run", place / "run", *arguments,
                  options=options, **variables)


def output(place):
    file = place / "job.txt"
    return file.read_text() if file.exists() else ""


def await_steps(cluster, place, count):
    file = place / "run" / "metrics.jsonl"
    cluster.await_that(lambda: file.exists() and len(file.read_text().splitlines()) > count, f"{count} steps", 60)


def code_of(job):
    return int(job["ExitCode"].split(":")[0])


def ends_with_the_same_numbers(cluster, place, launcher):
    job = train(cluster, place, *LONG, CAUSALFM_LAUNCHER=launcher)
    await_steps(cluster, place, 60)
    cluster.run("scancel", "--batch", "--signal=USR1", job)
    end = cluster.await_end(job)
    assert end["JobState"] == "COMPLETED", output(place)
    assert end["Restarts"] == "1", output(place)
    assert "queued again" in output(place)
    succeed("train", place / "small.yaml", "--run", place / "whole", *LONG, ranks=2)
    assert_same_bits(place / "run" / "checkpoints" / "step-00000400.h5",
                     place / "whole" / "checkpoints" / "step-00000400.h5")
    assert metrics(place / "run") == metrics(place / "whole")
    assert json.loads((place / "run" / "summary.json").read_text())["ranks"] == 2


def test_a_job_that_is_interrupted_is_requeued_and_ends_with_the_same_numbers(cluster, place):
    ends_with_the_same_numbers(cluster, place, "srun")


def test_an_interrupt_of_srun_s_step_saves_on_all_ranks(cluster, place):
    goes_on_after_signal_to_the_step(cluster, place, "INT")


def test_scancel_saves_and_is_not_requeued(cluster, place):
    job = train(cluster, place, *LONG)
    await_steps(cluster, place, 40)
    cluster.run("scancel", job)
    end = cluster.await_end(job)
    assert end["JobState"] == "CANCELLED"
    assert end["Restarts"] == "0"
    cluster.await_that(lambda: not (place / "run" / "lock.json").exists(), "the ranks to end", 30)
    assert (place / "run" / "checkpoints" / "latest").exists(), output(place)


def goes_on_after_signal_to_the_step(cluster, place, name):
    job = train(cluster, place, *LONG)
    await_steps(cluster, place, 30)
    # To the step, not to the script: each rank gets it, as by `scancel --signal` or srun's own --signal.
    cluster.run("scancel", f"--signal={name}", f"{job}.0")
    end = cluster.await_end(job)
    assert end["JobState"] == "COMPLETED", output(place)
    assert end["Restarts"] == "1", output(place)
    assert len([line for line in metrics(place / "run") if "loss" in line]) == 400


def test_a_killed_rank_ends_the_job_with_4(cluster, place):
    job = train(cluster, place, "--set", "train.steps=5000")
    await_steps(cluster, place, 20)
    os.kill(cluster.processes("node-0", "causalfm")[0], signal.SIGKILL)
    end = cluster.await_end(job, 60)
    assert (end["JobState"], code_of(end), end["Restarts"]) == ("FAILED", 4, "0"), output(place)
    assert output(place).count("on node-0 died") == 1, output(place)  # the survivor's sentence; the script adds one


def test_ranks_that_do_not_find_each_other_are_refused(cluster, place):
    script = place / "bare.sh"
    script.write_text(f"#!/bin/bash\nsrun --mpi=none {SCRIPTS}/rank.sh {BINARY} train {place}/small.yaml "
                      f"--run {place}/run\n")
    job = cluster.submit("--ntasks=2", f"--output={place}/job.txt", script, PWD=str(place))
    end = cluster.await_end(job)
    assert code_of(end) == 2, output(place)
    assert output(place).count("causalfm: srun:") == 1
    assert not (place / "run").exists()


def test_a_configuration_with_a_mistake_fails_once(cluster, place):
    job = train(cluster, place, "--set", "train.stepz=3")
    end = cluster.await_end(job)
    assert (end["JobState"], code_of(end), end["Restarts"]) == ("FAILED", 2, "0"), output(place)
    assert output(place).count("causalfm: --set train.stepz=3") == 1, output(place)


def test_restarts_without_progress_are_bounded(place):
    latest, script = place / "latest", f"""
set -euo pipefail
scripts={SCRIPTS} place=train.sbatch
. {SCRIPTS}/job.sh
remember_restart {place}/state {place}/latest 12
"""
    def restart():
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    latest.write_text("step-00000010.h5\n")
    assert [restart().returncode for _ in range(3)] == [0, 0, 0]
    latest.write_text("step-00000020.h5\n")
    assert [restart().returncode for _ in range(4)] == [0, 0, 0, 1], "progress starts the count anew"
    latest.write_text("step-00000020.h5\n")
    for _ in range(3):
        assert restart().returncode == 0
    assert "step-00000020.h5" in restart().stderr


def test_an_option_without_its_value_is_a_usage_error(cluster, place):
    job = submit(cluster, place, "train.sbatch", place / "small.yaml", "--run")
    assert code_of(cluster.await_end(job)) == 2
    assert "--run needs a value" in output(place)


def test_rungs_are_arrays_one_after_the_other(cluster, place):
    (place / "sweep.yaml").write_text(
        "base: small.yaml\nmethod: successive_halving\ntrials: 3\nseeds: [0]\ndirection: maximize\n"
        "parameters: {loss.temperature: {uniform: [0.1, 0.9]}}\nobjective: validation_star_recall\n")
    cluster.run(BINARY, "sweep", "run", place / "sweep.yaml", "--out", place / "out", "--launcher", "slurm",
                PWD=str(place))
    first, second = [line.split()[-1] for line in (place / "out" / "output" / "submit.txt").read_text().splitlines()]
    assert cluster.await_end(f"{second}_0")["JobState"] == "COMPLETED"
    assert [cluster.job(f"{first}_{index}")["JobState"] for index in range(3)] == ["COMPLETED"] * 3
    shown = json.loads(succeed("sweep", "status", place / "out", "--json").output)
    assert [setting["rung"] for setting in shown["settings"]] == [1, 0, 0]
    name = succeed("sweep", "list", place / "out", "--rung", "1").output.split("\t")[2].strip()
    assert name == shown["settings"][0]["trials"][0]["name"]


def test_a_sweep_is_an_array_whose_failing_member_fails_alone(cluster, place):
    (place / "sweep.yaml").write_text(
        "base: small.yaml\nmethod: grid\nparameters: {loss.temperature: [1.0e-300, 0.2, 0.5]}\nseeds: [0]\n"
        "objective: validation_star_recall\ndirection: maximize\n")
    result = cluster.run(BINARY, "sweep", "run", place / "sweep.yaml", "--out", place / "out", "--launcher", "slurm",
                         PWD=str(place))
    assert result.returncode == 0, result.stderr
    number = (place / "out" / "output" / "submit.txt").read_text().split()[-1]
    states = {}
    for index in range(3):
        states[index] = cluster.await_end(f"{number}_{index}")["JobState"]
    assert states == {0: "FAILED", 1: "COMPLETED", 2: "COMPLETED"}, [file.read_text() for file in (place / "out" / "output").iterdir()]
    shown = json.loads(succeed("sweep", "status", place / "out", "--json").output)
    trials = {trial["name"]: trial for setting in shown["settings"] for trial in setting["trials"]}
    assert trials["loss.temperature=1.0e-300,seed=0"]["code"] == 5
    assert sum(trial["state"] == "done" for trial in trials.values()) == 2


def submit_dry(cluster, place, *arguments):
    return cluster.run(SCRIPTS / "submit.sh", *arguments, check=False, PWD=str(place), CAUSALFM_BINARY=str(BINARY))


def test_submit_says_what_it_would_do(cluster, place):
    (place / "site.yaml").write_text("account: stars\npartition: gpu\ntime: 24:00:00\n")
    result = submit_dry(cluster, place, "--settings", "site.yaml", "--partition", "all", "--nodes", "2", "--dry-run",
                        "train", "small.yaml", "--set", "seed=3")
    assert result.returncode == 0, result.stderr
    assert "--account=stars" in result.stdout
    assert "--partition=all" in result.stdout and "--partition=gpu" not in result.stdout
    assert "--time=24:00:00" in result.stdout and "--nodes=2" in result.stdout
    assert result.stdout.rstrip().endswith("train.sbatch small.yaml --set seed=3")
    chain = submit_dry(cluster, place, "--dry-run", "--gpus-per-node", "4", "chain", "small.yaml", "--run", "run", "--data", "data", "--out",
                       "report")
    lines = chain.stdout.strip().splitlines()
    assert len(lines) == 3, chain.stdout + chain.stderr
    assert all("--kill-on-invalid-dep=yes" in line and "afterok" in line for line in lines[1:])
    assert "--gpus-per-node=1" in lines[2] and "--gpus-per-node=1" not in lines[1]
    assert cluster.run("squeue", "-h").stdout.strip() == ""


@pytest.mark.parametrize("arguments, told", [
    (["--frobnicate", "train", "small.yaml"], "--frobnicate"),
    (["--settings", "site.yaml", "train", "small.yaml"], "acount"),
    (["dance"], "dance"),
    ([], "train"),
    (["--nodes", "--dry-run", "train", "small.yaml"], "--nodes"),
    (["chain", "small.yaml"], "--run"),
    (["sweep", "nowhere"], "nowhere"),
])
def test_submit_refuses_mistakes(cluster, place, arguments, told):
    (place / "site.yaml").write_text("acount: stars\n")
    result = submit_dry(cluster, place, *arguments)
    assert result.returncode == 2
    assert told in result.stderr and len(result.stderr.strip().splitlines()) == 1, result.stderr
