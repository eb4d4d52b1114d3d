"""What `causalfm trace` writes, evaluated again in NumPy and float64 from the definitions in docs/."""

import h5py
import numpy as np
import pytest

from conftest import succeed


def info_nce(projection, same, other, anchors, temperature):
    unit = projection / np.linalg.norm(projection, axis=1, keepdims=True)
    losses = []
    for anchor in np.flatnonzero(anchors):
        logits = unit @ unit[anchor] / temperature
        positive = (same == same[anchor]) & (other != other[anchor])
        negative = same != same[anchor]
        if positive.any():
            up, down = np.exp(logits[positive]).sum(), np.exp(logits[negative]).sum()
            losses.append(-np.log(up / (up + down)))
    return np.mean(losses)


@pytest.fixture(params=[None, 3])
def trace(request, small, tmp_path):
    file = tmp_path / "trace.h5"
    succeed("trace", small, "--steps", "0:6", "--tensors", "--out", file, "--set", "train.precision=float64",
            ranks=request.param)
    with h5py.File(file) as opened:
        yield opened


def leaves(group):
    found = {}
    group.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def test_losses(trace):
    assert len(trace) == 6
    for step in trace.values():
        star, instrument, role = step["star_id"][()], step["instrument_id"][()], step["role"][()]
        assert (role.reshape(-1, 3) == [0, 1, 2]).all()
        anchor, same_star, same_instrument = np.arange(len(role)).reshape(-1, 3).T
        assert (star[anchor] == star[same_star]).all() and (instrument[anchor] != instrument[same_star]).all()
        assert (star[anchor] != star[same_instrument]).all() and (instrument[anchor] == instrument[same_instrument]).all()
        expected = {
            "star": info_nce(step["projection_star"][()], star, instrument, role == 0, 0.5),
            "instrument": info_nce(step["projection_instr"][()], instrument, star, role == 0, 0.1),
            "reconstruction": ((step["reconstructed"][()] - step["flux"][()]) ** 2).mean(),
        }
        expected["total"] = sum(expected.values())
        for name, value in expected.items():
            assert step[f"loss/{name}"][()] == pytest.approx(value, rel=1e-9), name


def test_updates_are_adam(trace):
    first, second = {}, {}
    before = None
    for count, step in enumerate((trace[name] for name in sorted(trace)), start=1):
        gradients, after = leaves(step["gradient"]), leaves(step["parameter"])
        assert gradients.keys() == after.keys()
        for name, gradient in gradients.items():
            first[name] = 0.9 * first.get(name, 0) + 0.1 * gradient
            second[name] = 0.999 * second.get(name, 0) + 0.001 * gradient**2
            if before:
                mean = first[name] / (1 - 0.9**count)
                spread = np.sqrt(second[name] / (1 - 0.999**count))
                assert np.allclose(after[name], before[name] - 1e-3 * mean / (spread + 1e-8), rtol=1e-9, atol=1e-12), name
        before = after


def test_any_number_of_ranks(small, tmp_path):
    for ranks in (None, 2, 4):
        succeed("trace", small, "--steps", "0:20", "--tensors", "--out", tmp_path / f"{ranks}.h5",
                "--set", "train.precision=float64", ranks=ranks)
    with h5py.File(tmp_path / "None.h5") as alone:
        for ranks in (2, 4):
            with h5py.File(tmp_path / f"{ranks}.h5") as together:
                for step in alone:
                    one, many = leaves(alone[step]), leaves(together[step])
                    assert one.keys() == many.keys()
                    for name in one:
                        scale = max(np.abs(one[name]).max(), 1e-6)
                        assert np.abs(one[name] - many[name]).max() <= 1e-9 * scale, (ranks, step, name)


def test_order_alone_is_the_same_from_any_step(small, tmp_path):
    succeed("trace", small, "--steps", "0:50", "--out", tmp_path / "all.h5")
    succeed("trace", small, "--steps", "40:50", "--out", tmp_path / "late.h5", ranks=2)
    with h5py.File(tmp_path / "all.h5") as every, h5py.File(tmp_path / "late.h5") as late:
        assert list(late) == [f"step-{step:08}" for step in range(40, 50)]
        for step in late:
            assert np.array_equal(every[step]["observation_id"], late[step]["observation_id"])
