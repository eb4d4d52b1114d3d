"""Each mistake ends with its code, one sentence on stderr, on every rank, at once, with nothing half-written."""

import json
import os
import re
import resource
import time

import pytest

from conftest import SANITIZED, run, small_disk, succeed


def assert_ends(result, code, *fragments):
    assert result.code == code, result.output + result.error
    sentences = [line for line in result.error.splitlines() if line.strip()]
    assert len(sentences) == 1, result.error
    assert sentences[0].startswith("causalfm: ")
    for fragment in fragments:
        assert fragment in sentences[0], sentences[0]


MISTAKES = [
    ("train.stepz=3", "unknown key", ["train.stepz", "train.steps"]),
    ("train.steps=many", "mistyped", ["train.steps"]),
    ("train.steps=-1", "out of range", ["train.steps"]),
    ("model.heads=3", "does not divide", ["heads"]),
]


@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("override, _, fragments", MISTAKES)
def test_configuration(small, tmp_path, override, _, fragments, ranks):
    begin = time.monotonic()
    result = run("train", small, "--run", tmp_path / "run", "--set", override, ranks=ranks)
    assert_ends(result, 2, *fragments)
    assert time.monotonic() - begin < 20
    assert not (tmp_path / "run").exists()


def test_key_in_a_file_is_named_with_its_line(tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text("seed: 3\ntrain:\n  steps: 5\n  batch_triplet: 4\n")
    assert_ends(run("config", "check", file), 2, "wrong.yaml:4", "train.batch_triplet", "train.batch_triplets")


@pytest.mark.parametrize("ranks", [None, 2])
def test_missing_configuration(tmp_path, ranks):
    assert_ends(run("train", tmp_path / "none.yaml", ranks=ranks), 2, "none.yaml")


@pytest.mark.parametrize("arguments", [["--frobnicate"], ["train"], ["trane", "x.yaml"], []])
def test_usage(arguments):
    assert_ends(run(*arguments), 2)


def test_more_ranks_than_triplets(small, tmp_path):
    result = run("train", small, "--run", tmp_path / "run", "--set", "train.batch_triplets=2", ranks=3)
    assert_ends(result, 2, "3 ranks")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("ranks", [None, 2])
def test_batch_larger_than_the_split(small, tmp_path, ranks):
    result = run("train", small, "--run", tmp_path / "run", "--set", "train.batch_triplets=5000", ranks=ranks)
    assert_ends(result, 3, "5000")
    assert not (tmp_path / "run").exists()


def test_stars_seen_by_one_instrument_are_skipped_and_counted(small, tmp_path):
    result = succeed("train", small, "--run", tmp_path / "run", "--set", "simulation.assignment=uniform",
                     "--set", "simulation.curves_per_star=2", "--set", "train.steps=1")
    assert "stars seen by one instrument only" in result.output


@pytest.fixture
def dataset(small, tmp_path):
    folder = tmp_path / "dataset"
    succeed("simulate", small, "--out", folder)
    return folder


def missing(folder):
    os.rename(folder, folder.with_name("elsewhere"))


def truncated(folder):
    shard = sorted(folder.glob("shard-*.h5"))[-1]
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])


def no_shard(folder):
    sorted(folder.glob("shard-*.h5"))[0].unlink()


def flipped_byte(folder):
    shard = sorted(folder.glob("shard-*.h5"))[0]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)


def other_version(folder):
    manifest = json.loads((folder / "dataset.json").read_text())
    manifest["version"] = 2
    (folder / "dataset.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("damage", [missing, truncated, no_shard, flipped_byte, other_version])
def test_damaged_dataset(small, tmp_path, dataset, damage, ranks):
    damage(dataset)
    result = run("train", small, "--run", tmp_path / "run", "--set", f"data.path={dataset}", ranks=ranks)
    assert_ends(result, 3, "dataset")


def test_run_folder_of_another_configuration(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder)
    before = (folder / "metrics.jsonl").read_bytes()
    result = run("train", small, "--run", folder, "--set", "train.learning_rate=0.5", ranks=2)
    assert_ends(result, 2, "train.learning_rate")
    assert (folder / "metrics.jsonl").read_bytes() == before


def test_resume_always_without_a_checkpoint(small, tmp_path):
    assert_ends(run("train", small, "--run", tmp_path / "run", "--resume", "always"), 2, "no checkpoint")
    assert not (tmp_path / "run").exists()


def test_all_checkpoints_cut_off(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder)
    for file in (folder / "checkpoints").glob("*.h5"):
        file.write_bytes(file.read_bytes()[:100])
    assert_ends(run("train", small, "--run", folder, "--set", "train.steps=30", ranks=2), 6, "step-")


def test_folder_that_cannot_be_made(small, tmp_path):
    (tmp_path / "file").write_text("")
    assert_ends(run("train", small, "--run", tmp_path / "file" / "run", ranks=2), 6, "file")


def test_full_disk(small, tmp_path):
    with small_disk(tmp_path, "size=128k") as disk:
        assert_ends(run("train", small, "--run", disk / "run"), 6, "step-")


LARGE = ["--set", "simulation.stars=400", "--set", "simulation.length=100", "--set", "data.validation_stars=0.1",
         "--set", "model.width=64", "--set", "model.blocks=4", "--set", "train.steps=2", "--set", "train.validate_every=2",
         "--set", "train.validation_triplets=8"]


@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs terabytes of addresses")
@pytest.mark.parametrize("ranks", [None, 2])
def test_out_of_memory_names_the_batch_that_fits(small, tmp_path, ranks):
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, before[1]))  # of each process
    try:
        result = run("train", small, "--run", tmp_path / "large", *LARGE, "--set", "train.batch_triplets=400", ranks=ranks)
        assert_ends(result, 8, "train.batch_triplets is 400")
        fits = int(re.search(r"of which about (\d+) fit", result.error).group(1))
        assert 20 < fits < 200
        succeed("train", small, "--run", tmp_path / "fitting", *LARGE, "--set", f"train.batch_triplets={fits}", ranks=ranks)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
