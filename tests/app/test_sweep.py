"""`causalfm sweep` as its user runs it: from one file to a table, through kills, mistakes and a full disk."""

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from conftest import SMALL, assert_same_bits, metrics, run, small_disk, start, succeed

SWEEP = """
base: small.yaml
method: grid
parameters: {loss.temperature: [0.2, 0.5], train.learning_rate: [0.001, 0.01]}
seeds: [0, 1]
objective: validation_star_recall
direction: maximize
"""


@pytest.fixture
def folder(tmp_path, small):
    """A folder with a base and a sweep of eight trials."""
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


def sweep_run(folder, *options, file="sweep.yaml", timeout=240):
    return run("sweep", "run", folder / file, "--out", folder / "out", *options, timeout=timeout)


def standing(folder):
    return json.loads(succeed("sweep", "status", folder / "out", "--json").output)


def trials_of(shown):
    return {trial["name"]: trial for setting in shown["settings"] for trial in setting["trials"]}


def best_recall(run_folder):
    """The objective as docs/sweeps.md defines it, from the file alone."""
    lines = [line for line in metrics(run_folder) if "validation_loss" in line]
    return min(lines, key=lambda line: line["validation_loss"])["validation_star_recall"]


def test_from_one_file_to_a_table(folder):
    result = sweep_run(folder, "--jobs", "2")
    assert result.code == 0, result.output + result.error
    shown = standing(folder)
    names = sorted(path.name for path in (folder / "out" / "trials").iterdir())
    assert names == sorted(f"loss.temperature={t},train.learning_rate={r},seed={s}"
                           for t in (0.2, 0.5) for r in (0.001, 0.01) for s in (0, 1))
    means = []
    for setting in shown["settings"]:
        values = [best_recall(folder / "out" / "trials" / trial["name"]) for trial in setting["trials"]]
        assert [trial["value"] for trial in setting["trials"]] == values
        assert setting["mean"] == pytest.approx(sum(values) / 2)
        means.append(setting["mean"])
    assert means == sorted(means, reverse=True)
    rows = list(csv.DictReader((folder / "out" / "settings.csv").open()))
    assert [float(row["validation_star_recall"]) for row in rows] == pytest.approx(means)
    assert len(list(csv.DictReader((folder / "out" / "trials.csv").open()))) == 8
    assert (folder / "out" / "sweep.png").read_bytes().startswith(b"\x89PNG")
    best = yaml.safe_load((folder / "out" / "best.yaml").read_text())
    assert str(best["loss"]["temperature"]) == shown["settings"][0]["parameters"]["loss.temperature"]


def test_a_trial_is_an_ordinary_run(folder):
    sweep_run(folder)
    best = folder / "out" / "best.yaml"
    first = standing(folder)["settings"][0]["trials"][0]["name"]
    succeed("train", best, "--run", folder / "again", "--set", "runtime.threads=1")
    assert_same_bits(folder / "again" / "checkpoints" / "step-00000020.h5",
                     folder / "out" / "trials" / first / "checkpoints" / "step-00000020.h5")


def test_what_is_there_is_not_run_again_and_added_values_are(folder):
    sweep_run(folder, "--jobs", "2")
    before = {path: path.stat().st_mtime_ns for path in (folder / "out" / "trials").glob("*/metrics.jsonl")}
    (folder / "sweep.yaml").write_text(SWEEP.replace("[0.2, 0.5]", "[0.2, 0.3, 0.5]"))
    result = sweep_run(folder, "--jobs", "2")
    assert result.code == 0
    after = {path: path.stat().st_mtime_ns for path in (folder / "out" / "trials").glob("*/metrics.jsonl")}
    assert len(after) == 12
    assert {path: after[path] for path in before} == before
    assert result.output.count("starting") == 4


def test_a_failed_trial_is_shown_and_stops_no_other(folder):
    too_cold = "1.0e-300"
    (folder / "sweep.yaml").write_text(SWEEP.replace("[0.001, 0.01]", "[0.001]").replace("0.2, ", f"{too_cold}, "))
    result = sweep_run(folder, "--jobs", "2")
    trials = trials_of(standing(folder))
    failed = {name for name, trial in trials.items() if "temperature=0.5" not in name}
    assert result.code == 7
    assert len(failed) == 2
    assert all(trials[name]["state"] == "failed" and trials[name]["code"] == 5 for name in failed)
    assert all("gradient norm is nan" in trials[name]["sentence"] for name in failed)
    assert sum(trial["state"] == "done" for trial in trials.values()) == len(trials) - len(failed)
    again = sweep_run(folder)
    assert again.code == 7
    assert "starting" not in again.output
    assert "starting" in sweep_run(folder, "--retry-failed").output


def start_sweep(folder, *options):
    return start("sweep", "run", folder / "sweep.yaml", "--out", folder / "out", *options)


def await_steps(folder, count):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        lines = sum(len(file.read_text().splitlines()) for file in (folder / "out").glob("trials/*/metrics.jsonl"))
        if lines >= count:
            return
        time.sleep(0.02)
    raise AssertionError("no trial came so far")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_sweep_that_is_ended_goes_on(folder, number):
    (folder / "small.yaml").write_text(SMALL.replace("steps: 20", "steps: 80"))
    (folder / "sweep.yaml").write_text(SWEEP.replace("[0.001, 0.01]", "[0.001]").replace("seeds: [0, 1]", "seeds: [0]"))
    process = start_sweep(folder, "--jobs", "2")
    await_steps(folder, 30)
    process.send_signal(number)
    code = process.wait(60)
    assert code == (75 if number != signal.SIGKILL else -9)
    deadline = time.monotonic() + 30
    while any((folder / "out").glob("trials/*/lock.json")) and time.monotonic() < deadline:
        time.sleep(0.05)  # trials of a killed sweep save and end by themselves
    result = sweep_run(folder, "--jobs", "2")
    assert result.code == 0, result.output + result.error
    name = "loss.temperature=0.5,train.learning_rate=0.001,seed=0"
    succeed("train", folder / "small.yaml", "--run", folder / "whole", "--set", "seed=0")
    assert_same_bits(folder / "whole" / "checkpoints" / "step-00000080.h5",
                     folder / "out" / "trials" / name / "checkpoints" / "step-00000080.h5")
    assert metrics(folder / "whole") == metrics(folder / "out" / "trials" / name)


def test_two_sweeps_on_one_folder(folder):
    (folder / "small.yaml").write_text(SMALL.replace("steps: 20", "steps: 2000"))
    process = start_sweep(folder)
    await_steps(folder, 3)
    second = sweep_run(folder)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 75
    assert second.code == 2
    assert "lock.json" in second.error


def test_successive_halving_resumes_the_survivors(folder):
    (folder / "sweep.yaml").write_text(
        SWEEP.replace("method: grid", "method: successive_halving\ntrials: 3").replace("[0.001, 0.01]",
                                                                                       "{log_uniform: [0.0001, 0.01]}"))
    listed = succeed("sweep", "list", folder / "sweep.yaml").output.splitlines()
    assert [line.split("\t")[:2] for line in listed] == [["0", str(i)] for i in range(6)] + [["1", "0"], ["1", "1"]]
    result = sweep_run(folder, "--jobs", "2")
    assert result.code == 0, result.output + result.error
    shown = standing(folder)
    assert [setting["rung"] for setting in shown["settings"]] == [1, 0, 0]
    steps = {trial["name"]: trial["steps"] for setting in shown["settings"] for trial in setting["trials"]}
    assert sorted(steps.values()) == [10, 10, 10, 10, 20, 20]
    at_ten = {}
    for setting in shown["settings"]:
        values = []
        for trial in setting["trials"]:
            lines = metrics(folder / "out" / "trials" / trial["name"])
            values += [line["validation_star_recall"] for line in lines
                       if "validation_loss" in line and line["step"] == 10]
        at_ten[setting["trials"][0]["name"]] = sum(values) / 2
    assert max(at_ten, key=at_ten.get) == shown["settings"][0]["trials"][0]["name"]
    survivor = shown["settings"][0]["trials"][0]["name"]
    succeed("train", folder / "out" / "best.yaml", "--run", folder / "whole", "--set", "runtime.threads=1")
    assert metrics(folder / "whole") == metrics(folder / "out" / "trials" / survivor)


def test_an_objective_of_the_report(folder):
    (folder / "sweep.yaml").write_text(
        SWEEP.replace("[0.2, 0.5]", "[0.2]").replace("[0.001, 0.01]", "[0.001]").replace("seeds: [0, 1]", "seeds: [0]")
        .replace("validation_star_recall", "reconstruction_mse").replace("maximize", "minimize"))
    result = sweep_run(folder)
    assert result.code == 0, result.output + result.error
    (name, trial), = trials_of(standing(folder)).items()
    report = json.loads((folder / "out" / "trials" / name / "report-00000020" / "report.json").read_text())
    assert trial["value"] == report["reconstruction_mse"]
    assert report["data"]["measured_on"] == "validation"
    missing = folder / "missing.yaml"
    missing.write_text((folder / "sweep.yaml").read_text().replace("reconstruction_mse", "regression.theta_1.z_star.10"))
    result = sweep_run(folder, file="missing.yaml")
    assert result.code == 2
    assert "theta_0" in result.error


def test_on_two_ranks_each(folder):
    (folder / "sweep.yaml").write_text(SWEEP.replace("[0.001, 0.01]", "[0.001]").replace("[0.2, 0.5]", "[0.5]"))
    result = sweep_run(folder, "--ranks", "2")
    assert result.code == 0, result.output + result.error
    for summary in (folder / "out").glob("trials/*/summary.json"):
        assert json.loads(summary.read_text())["ranks"] == 2


def test_a_killed_trial_is_told(folder):
    (folder / "small.yaml").write_text(SMALL.replace("steps: 20", "steps: 300"))
    (folder / "sweep.yaml").write_text(SWEEP.replace("[0.001, 0.01]", "[0.001]").replace("seeds: [0, 1]", "seeds: [0]"))
    process = start_sweep(folder)
    await_steps(folder, 5)
    lock, = (folder / "out").glob("trials/*/lock.json")
    os.kill(json.loads(lock.read_text().splitlines()[0])["pid"], signal.SIGKILL)
    assert process.wait(120) == 7
    trials = trials_of(standing(folder))
    assert sorted(trial["state"] for trial in trials.values()) == ["done", "failed"]
    assert [trial["code"] for trial in trials.values() if trial["state"] == "failed"] == [137]
    assert sweep_run(folder).code == 0


@pytest.mark.parametrize("change, told", [
    (("loss.temperature", "loss.temprature"), "loss.temperature"),
    (("[0.2, 0.5]", "[]"), "at least one value"),
    (("validation_star_recall", "accuracy"), "accuracy"),
    (("base: small.yaml", "base: nowhere.yaml"), "nowhere.yaml"),
    (("method: grid", "method: random\ntrials: 0"), "trials"),
    (("[0.2, 0.5]", "[0.2, -0.5]"), "-0.5"),
])
def test_mistakes_are_told_before_anything_runs(folder, change, told):
    (folder / "sweep.yaml").write_text(SWEEP.replace(*change))
    result = sweep_run(folder)
    assert result.code == 2
    assert told in result.error
    assert len(result.error.strip().splitlines()) == 1
    assert not (folder / "out").exists()


def test_under_mpirun_it_is_refused(folder):
    result = run("sweep", "run", folder / "sweep.yaml", "--out", folder / "out", ranks=2)
    assert result.code == 2
    assert "--ranks" in result.error


def test_a_full_disk_in_mid_sweep_loses_nothing(folder):
    with small_disk(folder, "size=900k") as disk:
        result = run("sweep", "run", folder / "sweep.yaml", "--out", disk / "out", timeout=240)
        assert result.code == 6, result.output + result.error
        assert len(result.error.strip().splitlines()) == 1
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        result = run("sweep", "run", folder / "sweep.yaml", "--out", disk / "out", timeout=240)
        assert result.code == 0, result.output + result.error
        assert len(list(Path(disk, "out", "trials").iterdir())) == 8
