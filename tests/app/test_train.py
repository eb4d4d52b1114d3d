"""Training as its user sees it: ranks agree, runs resume, a run folder is what it says it is."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
import yaml

from conftest import BINARY, assert_same_bits, command, metrics, parameters, run, succeed, training_lines


def test_run_folder(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder)
    assert yaml.safe_load((folder / "config.yaml").read_text())["train"]["steps"] == 20
    lines = metrics(folder, clock=True)
    assert [line["step"] for line in lines if "loss" in line] == list(range(20))
    assert [line["step"] for line in lines if "validation_loss" in line] == [10, 20]
    assert {"step", "anchors_seen", "loss", "reconstruction", "star", "instrument", "learning_rate", "gradient_norm",
            "curves_per_second", "seconds", "data_wait_seconds", "exposed_communication_seconds"} <= lines[0].keys()
    assert {"step", "validation_loss", "validation_reconstruction", "validation_star", "validation_instrument",
            "validation_star_recall", "validation_instrument_recall"} <= lines[-1].keys()
    assert lines[-2]["anchors_seen"] == 20 * 7
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["ended"] == "completed" and summary["steps"] == 20
    latest = (folder / "checkpoints" / "latest").read_text().strip()
    assert latest == "step-00000020.h5"
    with h5py.File(folder / "checkpoints" / latest) as checkpoint:
        assert checkpoint.attrs["format"] in ("causalfm-checkpoint", b"causalfm-checkpoint")
        assert checkpoint.attrs["step"] == 20
    assert (folder / "checkpoints" / "best").exists()
    assert "step 20: validation loss" in (folder / "log.txt").read_text()


def test_the_log_says_where_the_ranks_are(small, tmp_path):
    succeed("train", small, "--run", tmp_path / "run", "--set", "runtime.device=cpu", ranks=2)
    log = (tmp_path / "run" / "log.txt").read_text()
    lines = [line for line in log.splitlines() if "NUMA" in line]
    assert len(lines) == 1, log
    assert re.search(rf" info: {socket.gethostname()}: rank", lines[0])
    places = re.findall(r"(ranks? [0-9-]+) on cpu, NUMA nodes? ([0-9,-]+|unknown), 1 thread", lines[0])
    assert [ranks for ranks, _ in places] in (["ranks 0-1"], ["rank 0", "rank 1"]), lines[0]


@pytest.mark.parametrize("sampler, latents", [("triplet", "dual"), ("pair", "single")])
def test_ranks_agree(small, tmp_path, sampler, latents):
    settings = ["--set", f"data.sampler={sampler}", "--set", f"model.latents={latents}"]
    if latents == "single":
        settings += ["--set", "loss.instrument=0"]
    folders = {}
    for ranks in (None, 2, 3):
        folders[ranks] = tmp_path / f"run-{ranks}"
        succeed("train", small, "--run", folders[ranks], *settings, ranks=ranks)
    alone = training_lines(folders[None])
    for ranks in (2, 3):
        together = training_lines(folders[ranks])
        assert together[0]["loss"] == pytest.approx(alone[0]["loss"], rel=1e-6)
        for one, many in zip(alone, together, strict=True):
            assert many["step"] == one["step"]
            assert many["loss"] == pytest.approx(one["loss"], rel=1e-4)
        file = "checkpoints/step-00000020.h5"
        one, many = parameters(folders[None] / file), parameters(folders[ranks] / file)
        for name in one:
            if name.startswith("model/"):
                assert np.abs(one[name] - many[name]).max() < 1e-5, name


def test_pieces_and_the_wire_change_numbers_to_rounding(small, tmp_path):
    def losses(name, *settings):
        succeed("train", small, "--run", tmp_path / name, *settings, ranks=2)
        return [line["loss"] for line in training_lines(tmp_path / name)]

    whole = losses("whole")
    pieces = losses("pieces", "--set", "train.micro_batch=1")
    assert pieces == pytest.approx(whole, rel=1e-4)
    rounded = losses("rounded", "--set", "comm.gradient_precision=bfloat16")
    assert rounded[0] == whole[0]
    assert rounded != whole
    assert rounded == pytest.approx(whole, rel=1e-2)  # two roundings of 2^-8 at most in each gradient


@pytest.mark.parametrize("ranks", [None, 2])
def test_resume_repeats_bit_for_bit(small, tmp_path, ranks):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    succeed("train", small, "--run", whole, ranks=ranks)
    succeed("train", small, "--run", halves, "--set", "train.steps=10", ranks=ranks)
    result = succeed("train", small, "--run", halves, ranks=ranks)
    assert "resuming from step 10" in result.output
    assert metrics(halves) == metrics(whole)
    assert_same_bits(whole / "checkpoints/step-00000020.h5", halves / "checkpoints/step-00000020.h5")


def test_killed_run_resumes_bit_for_bit(small, tmp_path):
    settings = ("--set", "train.steps=60", "--set", "train.checkpoint_every=4")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    succeed("train", small, "--run", whole, *settings)
    for _ in range(3):
        process = subprocess.Popen(command("train", small, "--run", killed, *settings), stdout=subprocess.DEVNULL)
        end = time.monotonic() + 30
        seen = len(metrics(killed)) if (killed / "metrics.jsonl").exists() else 0
        while time.monotonic() < end and process.poll() is None:
            if (killed / "metrics.jsonl").exists() and (killed / "metrics.jsonl").read_text().count("\n") > seen + 6:
                break
            time.sleep(0.002)
        process.kill()
        process.wait()
    succeed("train", small, "--run", killed, *settings)
    assert metrics(killed) == metrics(whole)
    assert_same_bits(whole / "checkpoints/step-00000060.h5", killed / "checkpoints/step-00000060.h5")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_saves_and_the_same_command_goes_on(small, tmp_path, number):
    settings = ("--set", "train.steps=3000", "--set", "train.checkpoint_every=100000",
                "--set", "train.validate_every=100000")
    folder = tmp_path / "run"
    environment = dict(os.environ, CAUSALFM_BINARY=str(BINARY))
    process = subprocess.Popen(command("train", small, "--run", folder, *settings, ranks=2), env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while time.monotonic() < end and not ((folder / "metrics.jsonl").exists() and len(metrics(folder)) > 3):
        time.sleep(0.05)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 75, error
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["ended"] == "interrupted" and 0 < summary["steps"] < 3000
    steps = summary["steps"]
    result = succeed("train", small, "--run", folder, "--set", f"train.steps={steps + 2}", *settings[2:], ranks=2)
    assert f"resuming from step {steps}" in result.output
    assert [line["step"] for line in training_lines(folder)] == list(range(steps + 2))


def test_early_stopping(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder, "--set", "train.learning_rate=0.2", "--set", "train.validate_every=2",
            "--set", "train.patience=2", "--set", "train.steps=2000")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["ended"] == "early_stopping"
    assert summary["steps"] == summary["best_step"] + 4
    assert (folder / "checkpoints" / "best").read_text().strip() == f"step-{summary['best_step']:08}.h5"


def test_initial_weights(small, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    succeed("train", small, "--run", first)
    succeed("train", small, "--run", second, "--init-from", first, "--set", "train.learning_rate=1e-12",
            "--set", "train.steps=1", "--set", "seed=4")
    with h5py.File(first / "checkpoints/step-00000020.h5") as theirs, \
            h5py.File(second / "checkpoints/step-00000001.h5") as ours:
        names = []
        theirs["model"].visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in names:
            assert np.allclose(theirs["model"][name], ours["model"][name], atol=1e-9), name


def test_resume_never_moves_the_old_run_aside(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder)
    succeed("train", small, "--run", folder, "--resume", "never", "--set", "seed=5")
    assert yaml.safe_load((tmp_path / "run.1" / "config.yaml").read_text())["seed"] == 3
    assert yaml.safe_load((folder / "config.yaml").read_text())["seed"] == 5


def test_damaged_newest_checkpoint_is_reported_and_passed_over(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder)
    newest = folder / "checkpoints/step-00000020.h5"
    newest.write_bytes(newest.read_bytes()[:-1000])
    result = succeed("train", small, "--run", folder, "--set", "train.steps=25")
    assert "step-00000020.h5" in result.output and "resuming from step 15" in result.output
    assert [line["step"] for line in training_lines(folder)] == list(range(25))


def test_nothing_finite_ends_with_5(small, tmp_path):
    result = run("train", small, "--run", tmp_path / "run", "--set", "train.learning_rate=10", "--set", "train.steps=500", ranks=2)
    assert result.code == 5
    assert "step" in result.error and "is" in result.error
    assert result.error.count("causalfm:") == 1
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["ended"] == "failed"


def test_memory_does_not_grow_with_steps(small, tmp_path):
    def peak_kib(steps):
        arguments = command("train", small, "--run", tmp_path / f"run-{steps}", "--quiet", "--set", f"train.steps={steps}",
                            "--set", "train.batch_triplets=32", "--set", "train.validate_every=100000",
                            "--set", "train.checkpoint_every=100000")
        program = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); " \
                  "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        return int(subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True,
                                  check=True).stdout)

    assert peak_kib(200) < peak_kib(20) + 20 * 1024


def test_more_threads_than_cores_are_told(small, tmp_path):
    cores = len(os.sched_getaffinity(0))
    result = succeed("train", small, "--run", tmp_path / "run", "--set", f"runtime.threads={cores + 1}")
    assert f"runtime.threads is {cores + 1}, but a rank has {cores} core" in result.output
    assert "runtime.threads is" not in succeed("train", small, "--run", tmp_path / "other").output
