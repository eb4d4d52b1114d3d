"""The paper's Eqs. 1-4, evaluated in NumPy from the truth of our own shards, against the light curves in them."""

import h5py
import numpy as np
import pytest

from conftest import SOURCE, succeed


def read(folder):
    shards = [h5py.File(file) for file in sorted(folder.glob("shard-*.h5"))]
    columns = {}
    for name in ("flux", "star_id", "instrument_id", "observation_id", "truth/theta", "truth/phase"):
        columns[name] = np.concatenate([shard[name][()] for shard in shards])
    for name in ("truth/beta", "truth/gamma"):
        columns[name] = shards[0][name][()]
    return columns


def noiseless(columns, length, alpha, wavelength):
    theta, phase = columns["truth/theta"], columns["truth/phase"]
    beta, gamma = (columns[name][columns["instrument_id"]] for name in ("truth/beta", "truth/gamma"))
    t = np.arange(length)
    period = length * np.exp(theta[:, 0]) * wavelength
    true = np.zeros((len(theta), length))
    for k in range(1, theta.shape[1]):
        amplitude = theta[:, k, None] * np.exp(1j * phase[:, k - 1, None]) / k**alpha
        true += (amplitude * np.exp(2j * np.pi * k * t / period[:, None])).real
    terms = np.exp(1j * np.pi * np.outer(np.arange(beta.shape[1]), t) / length)
    scale = 1 + 0.05 * (beta @ terms).real
    offset = 0.05 * (gamma @ terms).real
    return np.clip(scale * true + offset, -1, 1)


@pytest.mark.parametrize("settings", [{}, {"alpha": 0.5, "lambda": 0.2, "period_scatter": 1.0}])
def test_equations(tmp_path, settings):
    overrides = [part for key, value in settings.items() for part in ("--set", f"simulation.{key}={value}")]
    succeed("simulate", SOURCE / "configs/paper.yaml", "--set", "simulation.stars=200", *overrides, "--out", tmp_path / "d")
    columns = read(tmp_path / "d")
    residual = columns["flux"] - noiseless(columns, 100, settings.get("alpha", 1.0), settings.get("lambda", 0.5))
    assert residual.shape == (4000, 100)
    count = residual.size
    assert abs(residual.mean()) < 5 * 0.03 / np.sqrt(count)
    assert abs(residual.std() / 0.03 - 1) < 5 / np.sqrt(2 * count)
    standard = np.sort((residual / 0.03).ravel())
    assert abs((standard**4).mean() - 3) < 0.1
    assert np.abs(standard).max() < 6
    neighbours = (residual[:, 1:] * residual[:, :-1]).mean() / 0.03**2
    assert abs(neighbours) < 5 / np.sqrt(count)


def test_paper_layout(tmp_path):
    succeed("simulate", SOURCE / "configs/paper.yaml", "--out", tmp_path / "d")
    columns = read(tmp_path / "d")
    assert columns["flux"].shape == (40000, 100)
    assert len(np.unique(columns["star_id"])) == 2000
    assert len(np.unique(columns["instrument_id"])) == 17
    assert len(np.unique(columns["observation_id"])) == 40000
    counts = np.zeros((2000, 17), int)
    np.add.at(counts, (columns["star_id"], columns["instrument_id"]), 1)
    assert counts.min() == 1 and counts.max() == 2 and (counts.sum(1) == 20).all()


def test_files_do_not_depend_on_ranks(small, tmp_path):
    settings = ("--set", "simulation.stars=3000", "--set", "simulation.curves_per_star=10")
    succeed("simulate", small, "--out", tmp_path / "one", *settings)
    succeed("simulate", small, "--out", tmp_path / "three", *settings, ranks=3)
    files = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert files == sorted(file.name for file in (tmp_path / "three").iterdir())
    assert len(files) > 2
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "three" / file).read_bytes(), file


def test_shards_and_simulation_on_the_fly_train_alike(small, tmp_path):
    succeed("simulate", small, "--out", tmp_path / "d")
    for name, path in (("fly", "null"), ("shards", tmp_path / "d")):
        succeed("trace", small, "--steps", "0:3", "--tensors", "--out", tmp_path / f"{name}.h5", "--set", f"data.path={path}")
    with h5py.File(tmp_path / "fly.h5") as fly, h5py.File(tmp_path / "shards.h5") as shards:
        assert fly.attrs["data_identity"] == shards.attrs["data_identity"]
        for step in fly:
            for name in ("observation_id", "flux", "z_star", "loss/total"):
                assert np.array_equal(fly[step][name], shards[step][name]), (step, name)
