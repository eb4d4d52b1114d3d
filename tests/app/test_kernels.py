"""What computes a Conformer's blocks, kernels or LibTorch's operations, changes no more than rounding; and the program runs
on processors that have less than this one."""

import re
import shutil
import subprocess

import pytest

from conftest import BINARY, SANITIZED, metrics, run, succeed, training_lines

OLDER = {"Nehalem": "plain", "Haswell": "avx2"}  # and their kernels


def kernels_here(line="kernels"):
    return re.search(f"^{line} (\\S+)$", succeed("--version").output, re.MULTILINE).group(1)


@pytest.mark.skipif(kernels_here() == "plain", reason="no kernels serve this processor")
@pytest.mark.parametrize("ranks", (None, 2))
def test_kernels_and_plain_operations_agree(small, tmp_path, ranks):
    fused = succeed("train", small, "--run", tmp_path / "fused", ranks=ranks)
    plain = succeed("train", small, "--run", tmp_path / "plain", "--set", "runtime.kernels=plain", ranks=ranks)
    assert f"kernels {kernels_here()};" in fused.output and "kernels plain;" in plain.output
    for ours, theirs in zip(metrics(tmp_path / "fused"), metrics(tmp_path / "plain"), strict=True):
        for name in ("loss", "mse", "validation_loss"):
            if name in theirs:
                assert ours[name] == pytest.approx(theirs[name], rel=1e-4), (name, theirs["step"])


@pytest.mark.skipif(kernels_here() == "plain", reason="no kernels serve this processor")
def test_what_goes_on_with_other_kernels_says_so(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder, "--set", "train.steps=10")
    result = succeed("train", small, "--run", folder, "--set", "train.steps=20", "--set", "runtime.kernels=plain")
    assert f"kernels before {kernels_here()}, now plain" in result.output + result.error


@pytest.mark.parametrize("kernels", ("auto", "plain"))
def test_bfloat16_changes_the_third_digit(small, tmp_path, kernels):
    options = ("--set", f"runtime.kernels={kernels}")
    single = succeed("train", small, "--run", tmp_path / "float32", *options)
    half = succeed("train", small, "--run", tmp_path / "bfloat16", *options, "--set", "train.precision=bfloat16")
    for result, line in ((single, "kernels"), (half, "kernels for bfloat16")):
        assert f"kernels {kernels if kernels == 'plain' else kernels_here(line)};" in result.output
    losses = [[line["loss"] for line in training_lines(folder)] for folder in (tmp_path / "float32", tmp_path / "bfloat16")]
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.03)


def test_bfloat16_is_the_same_on_two_ranks(small, tmp_path):
    options = ("--set", "train.precision=bfloat16")
    succeed("train", small, "--run", tmp_path / "one", *options)
    succeed("train", small, "--run", tmp_path / "two", *options, ranks=2)
    for one, two in zip(metrics(tmp_path / "one"), metrics(tmp_path / "two"), strict=True):
        for name in ("loss", "validation_loss"):
            if name in one:
                assert two[name] == pytest.approx(one[name], rel=1e-4), (name, one["step"])


@pytest.mark.parametrize("kernels", ("auto", "plain"))
def test_recomputed_blocks_give_the_same_numbers(small, tmp_path, kernels):
    options = ("--set", f"runtime.kernels={kernels}", "--set", "train.steps=6", "--set", "train.validate_every=3")
    succeed("train", small, "--run", tmp_path / "kept", *options)
    succeed("train", small, "--run", tmp_path / "recomputed", *options, "--set", "runtime.recompute_blocks=true")
    for kept, recomputed in zip(metrics(tmp_path / "kept"), metrics(tmp_path / "recomputed"), strict=True):
        for name in ("loss", "gradient_norm", "validation_loss"):
            assert kept.get(name) == recomputed.get(name), (name, kept["step"])


def test_another_precision_is_another_run(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder, "--set", "train.steps=5")
    result = run("train", small, "--run", folder, "--set", "train.precision=bfloat16")
    assert result.code == 2 and "train.precision" in result.error


@pytest.mark.skipif(SANITIZED, reason="the emulator has no room for a sanitizer's memory")
@pytest.mark.parametrize("processor, precision", (("Nehalem", "float32"), ("Haswell", "float32"), ("Haswell", "bfloat16")))
def test_on_an_older_processor(small, tmp_path, processor, precision):
    emulator = shutil.which("qemu-x86_64")
    if emulator is None:
        pytest.skip("an older processor is emulated by qemu-x86_64: install qemu-user")

    def emulated(*arguments):
        return subprocess.run([emulator, "-cpu", processor, BINARY, *arguments], capture_output=True, text=True,
                              timeout=300, check=False)

    folder = tmp_path / "old"
    short = ("--set", "train.steps=2", "--set", "train.validate_every=2", "--set", f"train.precision={precision}")
    trained = emulated("train", small, "--run", folder, *short)
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert f"kernels {OLDER[processor]};" in trained.stdout
    succeed("train", small, "--run", tmp_path / "new", *short)
    for old, new in zip(metrics(folder), metrics(tmp_path / "new"), strict=True):
        for name in ("loss", "gradient_norm", "validation_loss"):
            if name in new:
                assert old[name] == pytest.approx(new[name], rel=1e-4 if precision == "float32" else 1e-2), (name, new["step"])
    refused = emulated("train", small, "--run", tmp_path / "none", "--set", "runtime.kernels=avx512")
    assert refused.returncode == 2
    assert "runtime.kernels is avx512, which this processor lacks; set it to auto or plain" in refused.stderr


def test_an_unknown_kind_is_refused(small, tmp_path):
    result = run("train", small, "--run", tmp_path / "run", "--set", "runtime.kernels=sse")
    assert result.code == 2 and "runtime.kernels" in result.error
