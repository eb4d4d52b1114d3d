"""On a GPU the program computes what it computes on the CPU, and ends as it does there. Skipped where there is none."""

import json
import os
import random
import re
import shutil
import signal
import subprocess

import h5py
import numpy as np
import pytest

from conftest import assert_same_bits, metrics, run, succeed, training_lines
from test_survival import ENDLESS, SETTINGS, program_processes, start, steps_done, wait_until


def gpus():
    if "CUDA" not in run("--version").output or not shutil.which("nvidia-smi"):
        return 0
    return subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout.count("GPU ")


pytestmark = pytest.mark.skipif(gpus() == 0, reason="needs a build for CUDA and a GPU")

ON_CPU = ("--set", "runtime.device=cpu")
ON_GPU = ("--set", "runtime.device=cuda")
REPEATABLE = (*ON_GPU, "--set", "train.deterministic=true")

MODELS = {
    "conformer": (),
    "pieces": ("--set", "train.micro_batch=2"),
    "mlp": ("--set", "model.encoder=mlp"),
    "single": ("--set", "model.latents=single", "--set", "data.sampler=pair", "--set", "loss.instrument=0"),
    "all": ("--set", "loss.anchors=all", "--set", "loss.positives_inside_log=false", "--set", "model.spectrum=amplitudes",
            "--set", "model.observation_latent=3"),
}


def trace(config, file, *arguments, ranks=None):
    succeed("trace", config, "--steps", "0:3", "--tensors", "--out", file, *arguments, ranks=ranks)
    found = {}
    with h5py.File(file) as opened:
        opened.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def largest_difference(found, expected, part=""):
    """Relative to the largest element of a tensor. The bias of keys has no gradient but rounding."""
    assert found.keys() == expected.keys()
    worst = (0.0, "")
    for name in (name for name in expected if part in name and not name.endswith("key/bias")):
        scale = np.abs(expected[name]).max()
        error = np.abs(found[name].astype(float) - expected[name]).max() / scale if scale > 0 else np.abs(found[name]).max()
        worst = max(worst, (float(error), name))
    return worst


@pytest.mark.parametrize("model", MODELS)
def test_float64_is_that_of_the_cpu(small, tmp_path, model):
    settings = ("--set", "train.precision=float64", *MODELS[model])
    cpu = trace(small, tmp_path / "cpu.h5", *ON_CPU, *settings)
    gpu = trace(small, tmp_path / "gpu.h5", *ON_GPU, *settings)
    error, name = largest_difference(gpu, cpu)
    assert error < 1e-8, name


@pytest.mark.parametrize("model", ["conformer", "mlp"])
def test_float32_is_no_coarser_than_on_the_cpu(small, tmp_path, model):
    exact = trace(small, tmp_path / "exact.h5", *ON_CPU, "--set", "train.precision=float64", *MODELS[model])
    of_step = {name: values for name, values in exact.items() if name.startswith("step-00000000/")}
    errors = {}
    for device, where in (("cpu", ON_CPU), ("gpu", ON_GPU)):
        found = trace(small, tmp_path / f"{device}.h5", *where, *MODELS[model])
        errors[device] = largest_difference({name: found[name] for name in of_step}, of_step, "gradient/")
    print(errors)
    assert errors["gpu"][0] < max(4 * errors["cpu"][0], 2e-5)


def test_ranks_that_share_a_gpu_exchange_through_the_host(small, tmp_path):
    settings = (*ON_GPU, "--set", "train.precision=float64")
    alone = trace(small, tmp_path / "1.h5", *settings)
    together = trace(small, tmp_path / "2.h5", *settings, ranks=2 * gpus())
    error, name = largest_difference(together, alone)
    assert error < 1e-8, name
    result = succeed("train", small, "--run", tmp_path / "run", *ON_GPU, ranks=2 * gpus())
    assert "share" in result.output and "mpi" in result.output


def test_nccl_refuses_ranks_that_share_a_gpu(small, tmp_path):
    refused = run("train", small, "--run", tmp_path / "run", *ON_GPU, "--set", "comm.backend=nccl", ranks=2 * gpus())
    assert refused.code == 2 and refused.error.count("causalfm:") == 1, refused.error


def test_nccl_gives_the_same_as_no_exchange(small, tmp_path):
    settings = (*ON_GPU, "--set", "train.precision=float64")
    alone = trace(small, tmp_path / "single.h5", *settings, "--set", "comm.backend=single")
    nccl = trace(small, tmp_path / "nccl.h5", *settings, "--set", "comm.backend=nccl")
    error, name = largest_difference(nccl, alone)
    assert error < 1e-8, name


@pytest.mark.parametrize("backend", ["single", "nccl"])
def test_kills_leave_no_trace(small, tmp_path, backend):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    settings = (*SETTINGS, *REPEATABLE, "--set", f"comm.backend={backend}")
    succeed("train", small, "--run", whole, *settings)
    for _ in range(2):
        process = start("train", small, "--run", killed, *settings)
        target = steps_done(killed) + random.randrange(5, 20)
        wait_until(lambda: process.poll() is not None or steps_done(killed) >= target)
        process.kill()
        process.communicate()
    succeed("train", small, "--run", killed, *settings)
    assert metrics(killed) == metrics(whole)
    assert_same_bits(whole / "checkpoints/step-00000060.h5", killed / "checkpoints/step-00000060.h5")


def test_a_run_goes_from_the_gpu_to_the_cpu(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder, *ON_GPU, "--set", "train.steps=10")
    result = succeed("train", small, "--run", folder, *ON_CPU)
    assert "device before cuda, now cpu" in result.output
    assert [line["step"] for line in training_lines(folder)] == list(range(20))


@pytest.mark.parametrize("backend", ["single", "nccl"])
def test_a_signal_saves(small, tmp_path, backend):
    folder = tmp_path / "run"
    process = start("train", small, "--run", folder, *ENDLESS, *ON_GPU, "--set", f"comm.backend={backend}")
    wait_until(lambda: steps_done(folder) > 2)
    process.send_signal(signal.SIGTERM)
    output, error = process.communicate(timeout=60)
    assert process.returncode == 75, output + error
    assert (folder / "checkpoints" / "latest").read_text().strip() == f"step-{steps_done(folder):08}.h5"


def test_a_killed_rank_is_named(small, tmp_path):
    folder = tmp_path / "run"
    process = start("train", small, "--run", folder, *ENDLESS, *ON_GPU, ranks=2 * gpus())
    wait_until(lambda: steps_done(folder) > 2)
    os.kill(program_processes(folder)[-1], signal.SIGKILL)
    _, error = process.communicate(timeout=90)
    assert process.returncode == 4 and error.count("causalfm:") == 1, error


def test_too_large_a_batch_names_the_one_that_fits(small, tmp_path):
    settings = (*ON_GPU, "--set", "simulation.stars=200000", "--set", "simulation.length=2000", "--set", "model.width=256",
                "--set", "train.batch_triplets=100000")
    result = run("train", small, "--run", tmp_path / "run", *settings)
    assert result.code == 8 and "train.batch_triplets" in result.error and "fit" in result.error, result.error
    fits = int(re.search(r"about (\d+) fit", result.error)[1])
    succeed("train", small, "--run", tmp_path / "fits", *settings, "--set", f"train.batch_triplets={fits}", "--set",
            "train.steps=2", timeout=300)


def test_latents_are_those_of_the_cpu(small, tmp_path):
    succeed("simulate", small, "--out", tmp_path / "data")
    succeed("train", small, "--run", tmp_path / "run", *ON_GPU)
    latents = {}
    for name, where in (("cpu", ON_CPU), ("gpu", ON_GPU)):
        succeed("embed", "--run", tmp_path / "run", "--data", tmp_path / "data", "--out", tmp_path / f"{name}.h5", *where)
        with h5py.File(tmp_path / f"{name}.h5") as file:
            latents[name] = {key: file[key][()] for key in ("z_star", "z_instr", "reconstruction_error")}
    for key, expected in latents["cpu"].items():
        assert np.allclose(latents["gpu"][key], expected, rtol=1e-4, atol=1e-5), key


def test_a_profile_tells_every_phase(small, tmp_path):
    result = succeed("train", small, "--run", tmp_path / "run", *ON_GPU, "--set", "train.profile_steps=5")
    assert result.error == ""
    text = (tmp_path / "run" / "profile.md").read_text()
    for phase in ("data wait", "forward", "loss", "backward", "optimizer"):
        assert phase in text


def used_mib():
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return max(int(line) for line in subprocess.run(query, capture_output=True, text=True).stdout.split())


def test_a_step_is_what_the_plan_says(small, tmp_path):
    """With nothing else on the GPU. The paper's model; training keeps all the memory that it ever took."""
    paper = ("--set", "model.width=64", "--set", "model.heads=4", "--set", "model.feed_forward=128", "--set",
             "model.blocks=4", "--set", "model.kernel=31", "--set", "simulation.length=100", "--set", "simulation.stars=400",
             "--set", "train.batch_triplets=1000", *ON_GPU)
    planned = json.loads(succeed("plan", small, "--ranks", 1, "--json", *paper).output)
    before = used_mib()
    folder = tmp_path / "run"
    process = start("train", small, "--run", folder, *ENDLESS, *paper)
    wait_until(lambda: steps_done(folder) > 30)
    held = used_mib() - before
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    lines = [line for line in metrics(folder, clock=True) if "loss" in line][10:]
    seconds = 3000 / np.median([line["curves_per_second"] for line in lines])
    print(held, planned["memory_bytes"]["total"] / 2**20, seconds, planned["time"]["step_seconds"])
    assert planned["memory_bytes"]["total"] / 2**20 == pytest.approx(held, rel=0.2)
    assert planned["time"]["step_seconds"] == pytest.approx(seconds, rel=0.25)
