"""What `causalfm plan` tells, against what training takes."""

import json
import os
import subprocess

import pytest

from conftest import SANITIZED, command, run, succeed


def plan(config, ranks, *arguments):
    return json.loads(succeed("plan", config, "--ranks", ranks, "--json", *arguments).output)


def peak_bytes(*arguments):
    """Most memory that a run of the program held."""
    process = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, env=dict(os.environ, OMP_NUM_THREADS="1"))
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return 1024 * usage.ru_maxrss


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's memory counts as well")
@pytest.mark.parametrize("overrides", [
    ["train.batch_triplets=64"],
    ["train.batch_triplets=64", "train.micro_batch=8"],
    ["model.encoder=mlp", "train.batch_triplets=1500", "model.feed_forward=512", "simulation.stars=400"],
])
def test_memory_is_what_training_holds(small, tmp_path, overrides):
    overrides = ["model.width=64", "model.blocks=2", "simulation.length=100", "train.steps=8", "train.validate_every=8",
                 *overrides]
    settings = [part for override in overrides for part in ("--set", override)]
    planned = plan(small, 1, *settings)["memory_bytes"]["total"]
    held = peak_bytes("train", small, "--run", tmp_path / "run", *settings)
    assert planned == pytest.approx(held, rel=0.15)


def test_a_person_reads_it(small):
    output = succeed("plan", small, "--ranks", 3).output
    for part in ("memory of a rank", "largest train.batch_triplets that fits", "sent in a ring", "time of a step",
                 "efficiency"):
        assert part in output
    assert "rank (" not in output, "the log does not belong into the plan"


def test_the_json_is_whole(small):
    planned = plan(small, 4, "--gpu", "h100", "--ranks-per-node", 2, "--network-gbit", 100)
    assert planned["ranks"] == 4 and planned["nodes"] == 2 and planned["hardware"] == "h100"
    assert planned["fits"] and planned["largest_batch_triplets"] > 7
    kinds = {collective["collective"]: collective for collective in planned["collectives"]}
    reduce = kinds["all_reduce"]
    assert reduce["ring_bytes"] == pytest.approx(1.5 * reduce["bytes"])
    assert [scale["ranks"] for scale in planned["scaling"]] == [1, 2, 4]
    assert not planned["time"]["measured"]


def test_a_gpu_is_rehearsed_without_the_kernels_of_this_processor(small):
    wide = ("--gpu", "h200", "--set", "model.width=64", "--set", "model.heads=4")
    automatic, plain = (plan(small, 1, *wide, "--set", f"runtime.kernels={kernels}") for kernels in ("auto", "plain"))
    assert automatic["memory_bytes"] == plain["memory_bytes"] and automatic["time"] == plain["time"]


def test_measuring_takes_the_true_size(small):
    assert plan(small, 2, "--measure")["time"]["measured"]


def test_what_is_too_large_is_said(small):
    settings = ["--set", "simulation.stars=500", "--set", "simulation.length=100", "--set", "model.width=64",
                "--set", "model.blocks=8", "--set", "train.batch_triplets=2000"]
    output = succeed("plan", small, "--ranks", 1, "--gpu", "v100", *settings).output
    assert "2000 DOES NOT FIT" in output
    assert "DOES NOT FIT" not in succeed("plan", small, "--ranks", 100, "--gpu", "v100", *settings).output


def test_mistakes_are_refused(small):
    unknown = run("plan", small, "--ranks", 2, "--gpu", "abacus")
    assert unknown.code == 2 and "h100" in unknown.error
    many = run("plan", small, "--ranks", 8)
    assert many.code == 2 and "7" in many.error
    launched = run("plan", small, "--ranks", 2, ranks=2)
    assert launched.code == 2 and "--ranks says" in launched.error
