"""Runs the program as its user does. CTest hands in CAUSALFM_BINARY and CAUSALFM_SOURCE."""

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

SOURCE = Path(os.environ.get("CAUSALFM_SOURCE", Path(__file__).resolve().parents[2]))
BINARY = Path(os.environ.get("CAUSALFM_BINARY", SOURCE / "build" / "causalfm"))

SMALL = """
seed: 3
simulation: {stars: 60, instruments: 5, curves_per_star: 7, stellar_parameters: 5, instrument_terms: 4, length: 40}
data: {validation_stars: 0.2, test_stars: 0.1}
model: {width: 16, heads: 2, feed_forward: 32, blocks: 1, kernel: 7, latent: 6, dropout: 0.1}
loss: {temperature: 0.5}
train: {batch_triplets: 7, steps: 20, validate_every: 10, validation_triplets: 24, checkpoint_every: 5, patience: 0}
comm: {deadline_seconds: 60}
runtime: {threads: 1}
"""

CLOCK = {"seconds", "curves_per_second", "data_wait_seconds", "exposed_communication_seconds", "checkpoint_wait_seconds",
         "checkpoint_write_seconds"}


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.output = process.stdout
        self.error = process.stderr


def command(*arguments, ranks=None):
    arguments = [str(argument) for argument in arguments]
    if ranks is None:
        return [str(BINARY), *arguments]
    return [str(SOURCE / "launch" / "mpirun.sh"), str(ranks), *arguments]


def run(*arguments, ranks=None, timeout=120):
    environment = dict(os.environ, CAUSALFM_BINARY=str(BINARY))
    return Result(subprocess.run(command(*arguments, ranks=ranks), capture_output=True, text=True, timeout=timeout,
                                 env=environment, stdin=subprocess.DEVNULL))


def start(*arguments, ranks=None, **options):
    """The program as a process of its own, whose output is kept."""
    return subprocess.Popen(command(*arguments, ranks=ranks), env=dict(os.environ, CAUSALFM_BINARY=str(BINARY)), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def succeed(*arguments, **options):
    result = run(*arguments, **options)
    assert result.code == 0, result.output + result.error
    return result


def metrics(folder, clock=False):
    lines = [json.loads(line) for line in (Path(folder) / "metrics.jsonl").read_text().splitlines()]
    return lines if clock else [{k: v for k, v in line.items() if k not in CLOCK} for line in lines]


def training_lines(folder):
    return [line for line in metrics(folder) if "loss" in line]


def parameters(file):
    found = {}
    with h5py.File(file) as checkpoint:
        for part in ("model", "optimizer"):
            checkpoint[part].visititems(
                lambda name, item: found.update({f"{part}/{name}": item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def assert_same_bits(first, second):
    first, second = parameters(first), parameters(second)
    assert first.keys() == second.keys()
    for name in first:
        assert np.array_equal(first[name], second[name]), name


@pytest.fixture
def small(tmp_path):
    """The path of a configuration that trains in a second."""
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    return file


@contextmanager
def small_disk(folder, options):
    """folder/disk as a file system of its own with these options of mount, as size=4m. Skips where that is not allowed."""
    disk = Path(folder) / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
