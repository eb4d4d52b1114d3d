"""Steps that are not finite: each answer to them, what is found and kept, and the same step again; and how latents use
their space."""

import json

import h5py
import numpy as np
import pytest

from conftest import metrics, run, succeed, training_lines

# The star loss itself stays finite at this temperature, its gradient overflows float32, from the first step on.
TOO_COLD = ("--set", "loss.temperature=1e-300")
# Updates lead out of range within some steps.
TOO_FAST = ("--set", "train.learning_rate=10", "--set", "train.steps=400")


def only_sentence(result):
    assert result.error.count("causalfm:") == 1, result.error
    return result.error


def test_stop_says_where_and_the_step_can_be_repeated(small, tmp_path):
    folder = tmp_path / "run"
    result = run("train", small, "--run", folder, *TOO_COLD, ranks=2)
    assert result.code == 5
    file = folder / "non-finite" / "step-00000000.h5"
    sentence = only_sentence(result)
    assert "step 0: the gradient norm is" in sentence and "gradients are not" in sentence
    assert f"causalfm train --replay {file}" in sentence
    with h5py.File(file) as kept:
        assert kept.attrs["format"] in ("causalfm-batch", b"causalfm-batch") and kept.attrs["version"] == 1
        assert kept.attrs["step"] == 0
        assert kept["flux"].shape == (21, 40) and kept["time"].shape == (40,)
        assert list(kept["role"]) == [0, 1, 2] * 7
        assert "encoder_star" in kept["model"]

    again = run("train", "--replay", file)
    assert again.code == 5
    assert "step 0: the gradient norm is" in only_sentence(again)
    assert "star encoder, block 0, lstm" in again.output
    assert "encoder_star/block0/attention" in again.output
    remedy = succeed("train", "--replay", file, "--set", "loss.temperature=0.5")
    assert "every output, loss and gradient is finite" in remedy.output
    succeed("train", "--replay", file, small)
    other = run("train", "--replay", file, "--set", "model.width=32")
    assert other.code == 2 and "its model is not the one" in other.error
    assert run("train", "--replay", file, ranks=2).code == 2
    assert run("train", "--replay", folder / "config.yaml").code == 6
    assert run("train", "--replay", file, "--run", folder).code == 2
    assert run("train").code == 2


def test_skip_goes_on_until_too_many_are_skipped(small, tmp_path):
    folder = tmp_path / "run"
    result = run("train", small, "--run", folder, *TOO_COLD, "--set", "train.non_finite=skip",
                 "--set", "train.non_finite_patience=2", ranks=2)
    assert result.code == 5
    assert "step 2: " in only_sentence(result) and "the 2 steps before were skipped" in result.error
    lines = training_lines(folder)
    assert [line["step"] for line in lines] == [0, 1]
    assert all(line["skipped"] and line["gradient_norm"] in ("nan", "inf") for line in lines)
    assert result.output.count("the update is skipped") == 2
    assert len(list((folder / "non-finite").iterdir())) == 3


def test_rollback_finds_a_rate_that_holds(small, tmp_path):
    folder = tmp_path / "run"
    result = succeed("train", small, "--run", folder, *TOO_FAST, "--set", "train.non_finite=rollback",
                     "--set", "train.rollback_rate_factor=0.01", ranks=2)
    assert "times the learning rate" in result.output
    lines = training_lines(folder)
    assert [line["step"] for line in lines] == list(range(400))
    rates = [line["learning_rate"] for line in lines]
    assert rates[0] == 10 or "back to step 0" in result.output
    assert rates[-1] < 1 and rates == sorted(rates, reverse=True)
    with h5py.File(folder / "checkpoints" / "step-00000400.h5") as checkpoint:
        assert checkpoint["numbers"].attrs["run/rate_factor"] == pytest.approx(rates[-1] / 10)


def test_a_run_that_stopped_goes_on_with_another_answer(small, tmp_path):
    folder = tmp_path / "run"
    assert run("train", small, "--run", folder, *TOO_FAST).code == 5
    succeed("train", small, "--run", folder, *TOO_FAST, "--set", "train.non_finite=rollback",
            "--set", "train.rollback_rate_factor=0.01")
    assert json.loads((folder / "summary.json").read_text())["ended"] == "completed"


def latent_statistics(latents, same, other):
    """As the papers have them, in NumPy."""
    values = np.linalg.svd(latents, compute_uv=False)
    shares = values / values.sum()
    shares = shares[shares > 0]
    unit = latents / np.linalg.norm(latents, axis=1, keepdims=True)
    distance = np.square(unit[:, None] - unit[None]).sum(-1)
    positive = (same[:, None] == same) & (other[:, None] != other)
    pairs = ~np.eye(len(latents), dtype=bool)
    return {"effective_rank": np.exp(-np.sum(shares * np.log(shares))), "alignment": distance[positive].mean(),
            "uniformity": np.log(np.exp(-2 * distance[pairs]).mean())}


def test_latent_statistics_are_those_of_numpy(small, tmp_path):
    # Enough triplets that every curve of the validation split is an anchor.
    settings = ("--set", "train.validation_triplets=200", "--set", "train.checkpoint_every=20")
    succeed("simulate", small, "--out", tmp_path / "data")
    lines = {}
    for ranks in (None, 2):
        folder = tmp_path / f"run-{ranks}"
        succeed("train", small, "--run", folder, "--set", f"data.path={tmp_path / 'data'}", *settings, ranks=ranks)
        lines[ranks] = metrics(folder)[-1]
    succeed("embed", "--run", tmp_path / "run-None", "--data", tmp_path / "data", "--checkpoint", "latest",
            "--out", tmp_path / "latents.h5")
    with h5py.File(tmp_path / "latents.h5") as file:
        rows = file["split"][()] == 1
        star, instrument = file["star_id"][rows], file["instrument_id"][rows]
        spaces = {"star": (file["z_star"][rows].astype(float), star, instrument),
                  "instrument": (file["z_instr"][rows].astype(float), instrument, star)}
    for space, arguments in spaces.items():
        for name, value in latent_statistics(*arguments).items():
            field = f"validation_{space}_{name}"
            assert lines[None][field] == pytest.approx(value, rel=1e-4), field
            assert lines[2][field] == pytest.approx(lines[None][field], rel=1e-3, abs=1e-5), field


def test_a_single_latent_has_one_space(small, tmp_path):
    result = succeed("train", small, "--run", tmp_path / "run", "--set", "model.latents=single",
                     "--set", "loss.instrument=0")
    last = metrics(tmp_path / "run")[-1]
    assert last["validation_instrument_effective_rank"] == "nan" and last["validation_star_effective_rank"] >= 1
    assert "collapses" not in result.output  # at the start all latents are nearly the same


def test_profile(small, tmp_path):
    folder = tmp_path / "run"
    result = succeed("train", small, "--run", folder, "--set", "train.profile_steps=5", ranks=2)
    assert "profile.json opens in ui.perfetto.dev" in result.output
    events = json.loads((folder / "profile.json").read_text())["traceEvents"]
    steps = [(event["pid"], event["name"]) for event in events if event["name"].startswith("step ")]
    assert steps == [(rank, f"step {step}") for rank in (0, 1) for step in range(3, 8)]
    table = (folder / "profile.md").read_text()
    for phase in ("data wait", "forward", "loss", "backward", "gradient reduction", "optimizer", "rest", "whole step"):
        assert f"| {phase} |" in table
    assert "| star encoder, block 0 |" in table or "| star encoder, block 0, attention |" in table
    plain = tmp_path / "plain"
    succeed("train", small, "--run", plain, "--set", "train.profile_steps=5", "--set", "runtime.kernels=plain")
    assert "| star encoder, block 0, attention |" in (plain / "profile.md").read_text()
