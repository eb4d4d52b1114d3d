"""causalfm checkpoint show, verify and convert, against what h5py and NumPy say of the same file."""

import json
import re
import subprocess
import sys

import h5py
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from conftest import SOURCE, run, succeed

STEPS = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from conftest import SMALL

    place = tmp_path_factory.mktemp("checkpoint")
    (place / "small.yaml").write_text(SMALL)
    succeed("train", place / "small.yaml", "--run", place / "runs" / "paper")
    return place / "runs" / "paper"


@pytest.fixture
def file(folder):
    return folder / "checkpoints" / f"step-{STEPS:08}.h5"


def tensors(file):
    found = {}
    with h5py.File(file) as checkpoint:
        for part in ("model", "optimizer"):
            names = []
            checkpoint[part].visititems(lambda name, item: names.append(name) if hasattr(item, "dtype") else None)
            found.update({f"{part}/{name}": checkpoint[part][name][()] for name in names})
    return found


def test_show_is_what_numpy_says(folder, file):
    shown = json.loads(succeed("checkpoint", "show", file, "--json").output)
    expected = tensors(file)
    assert {tensor["name"] for tensor in shown["tensors"]} == expected.keys()
    for tensor in shown["tensors"]:
        values = expected[tensor["name"]]
        assert tuple(tensor["shape"]) == values.shape and tensor["type"] == values.dtype.name
        norm = np.sqrt(np.sum(np.square(values.astype(np.float64))))
        assert tensor["norm"] == pytest.approx(norm, rel=1e-12)  # sums of at most 1e4 terms in another order
        assert tensor["not_finite"] == 0
    with h5py.File(file) as checkpoint:
        attributes = checkpoint.attrs
        for name in ("step", "best_value", "best_step", "split_seed", "ranks", "threads"):
            assert shown[name] == attributes[name], name
        for name in ("data_identity", "instruction_set", "configuration"):
            assert shown[name] == attributes[name].decode(), name
        assert shown["versions"] == json.loads(attributes["versions"])
    assert shown["learnable_numbers"] == sum(v.size for name, v in expected.items() if name.startswith("model/"))
    assert shown["bytes"] == file.stat().st_size and "run_bytes" not in shown
    written = subprocess.run(["date", "-u", "-d", f"@{int(file.stat().st_mtime)}", "+%Y-%m-%dT%H:%M:%SZ"],
                             capture_output=True, text=True, check=True).stdout.strip()
    assert shown["written"] == written


def test_show_of_a_run(folder):
    latest = json.loads(succeed("checkpoint", "show", folder, "--json").output)
    assert latest["step"] == STEPS
    assert latest["run_bytes"] == sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    best = json.loads(succeed("checkpoint", "show", folder, "--checkpoint", "best", "--json").output)
    assert best["file"].endswith((folder / "checkpoints" / "best").read_text().strip())


def test_show_for_a_person(folder, file):
    output = succeed("checkpoint", "show", file).output
    lines = output.splitlines()
    assert lines[0] == f"{file}: step 20, whole"
    assert re.search(r"^written +\S+Z by 1 rank of 1 thread, \S+$", output, re.MULTILINE)
    count = sum(values.size for name, values in tensors(file).items() if name.startswith("model/"))
    assert f"{count:,} learnable numbers" in output
    heading = next(i for i, line in enumerate(lines) if line.startswith("tensor "))
    assert len(lines) - heading - 1 == len(tensors(file))


def damaged_copies(file, place):
    whole = file.read_bytes()
    for name, content in {"cut": whole[:-1000], "flipped": None, "empty": b"", "text": b"no checkpoint\n"}.items():
        copy = place / f"{name}.h5"
        if content is None:
            content = bytearray(whole)
            content[len(whole) // 2] ^= 1
        copy.write_bytes(content)
        yield copy


def test_verify_tells_whole_from_damaged(folder, file, tmp_path):
    done = succeed("checkpoint", "verify", folder)
    steps = sorted(path.name for path in (folder / "checkpoints").glob("*.h5"))
    assert [line.split()[0] for line in done.output.splitlines()] == ["whole"] * len(steps)
    assert all(name in line for name, line in zip(steps, done.output.splitlines()))
    copies = list(damaged_copies(file, tmp_path))
    for copy in copies:
        result = run("checkpoint", "verify", copy)
        assert result.code == 6 and result.output.startswith("damaged ") and copy.name in result.error
    result = run("checkpoint", "verify", *copies, file)
    assert result.code == 6
    assert [line.split()[0] for line in result.output.splitlines()] == ["damaged"] * 4 + ["whole"]
    assert "4 of 5 checkpoints are damaged" in result.error and result.error.count("\n") == 1


def test_what_is_not_there(tmp_path):
    assert run("checkpoint", "verify", tmp_path / "none.h5").code == 6
    assert run("checkpoint", "show", tmp_path / "none.h5").code == 6
    assert run("checkpoint", "verify", tmp_path).code == 2  # a folder, but no run's
    assert run("checkpoint", "show", tmp_path).code == 2
    assert run("checkpoint").code == 2


def test_convert_is_bit_for_bit(file, tmp_path):
    out = tmp_path / "all.safetensors"
    succeed("checkpoint", "convert", file, "--out", out)
    expected, converted = tensors(file), load_file(out)
    assert converted.keys() == expected.keys()
    for name, values in expected.items():
        assert converted[name].dtype == values.dtype and converted[name].shape == values.shape, name
        assert converted[name].tobytes() == values.tobytes(), name
    with safe_open(out, framework="numpy") as opened, h5py.File(file) as checkpoint:
        metadata = opened.metadata()
        assert metadata["format"] == "causalfm-checkpoint" and metadata["step"] == "20"
        assert metadata["configuration"] == checkpoint.attrs["configuration"].decode()
        assert metadata["data_identity"] == checkpoint.attrs["data_identity"].decode()
        assert json.loads(metadata["versions"]) == json.loads(checkpoint.attrs["versions"])
        assert json.loads(metadata["numbers"]) == dict(checkpoint["numbers"].attrs)


def test_convert_weights_only(folder, file, tmp_path):
    out = tmp_path / "weights.safetensors"
    succeed("checkpoint", "convert", folder, "--checkpoint", "latest", "--weights-only", "--out", out)
    assert load_file(out).keys() == {name for name in tensors(file) if name.startswith("model/")}


def test_convert_of_a_damaged_file_writes_nothing(file, tmp_path):
    damaged = next(damaged_copies(file, tmp_path))
    result = run("checkpoint", "convert", damaged, "--out", tmp_path / "out.safetensors")
    assert result.code == 6 and not (tmp_path / "out.safetensors").exists()


def python_in(page):
    """The indented blocks of a page that import something."""
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", page, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in blocks if "    import " in block
            or "    from " in block]


def test_the_python_of_the_documentation_runs(folder):
    page = (SOURCE / "docs" / "checkpoints.md").read_text()
    scripts = python_in(page)
    assert len(scripts) == 2
    place = folder.parent.parent
    succeed("checkpoint", "convert", folder, "--weights-only", "--out", place / "paper.safetensors")
    for script in scripts:
        script = script.replace("step-00010000", f"step-{STEPS:08}")
        done = subprocess.run([sys.executable, "-c", script], cwd=place, capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout.strip(), script + done.stderr
