"""launch/repeat.sh: a run trained anew gives the same numbers, and a run that does not is told from it."""

import json
import os
import subprocess

import pytest

from conftest import BINARY, SOURCE, metrics, run, succeed


def repeat(*arguments, timeout=200):
    environment = dict(os.environ, CAUSALFM_BINARY=str(BINARY))
    return subprocess.run([SOURCE / "launch" / "repeat.sh", *map(str, arguments)], env=environment, timeout=timeout,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("ranks", [None, 2])
def test_equal(small, tmp_path, ranks):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder, ranks=ranks)
    done = repeat(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"equal: all {len(metrics(folder))} lines" in done.stdout
    assert metrics(tmp_path / "run.repeat") == metrics(folder)
    assert json.loads((tmp_path / "run.repeat" / "summary.json").read_text())["ended"] == "completed"
    assert done.stderr == ""
    again = repeat(folder)
    assert again.returncode == 2 and "is there already" in again.stderr


def change(folder, number, name, by):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    line = json.loads(lines[number])
    line[name] = by(line[name])
    lines[number] = json.dumps(line)
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    return line


def test_the_first_difference_is_named(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder)
    change(folder, 12, "seconds", lambda value: value + 1)
    change(folder, 14, "star", lambda value: value * (1 + 1e-9))
    line = change(folder, 7, "gradient_norm", lambda value: value * (1 + 1e-12))
    done = repeat(folder, "--out", tmp_path / "again")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"different: line 8 (step {line['step']}), gradient_norm: " in done.stdout
    assert "(1e-12 of it)" in done.stdout


def test_a_missing_line(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 20, "loss": 1.0}\n')
    done = repeat(folder)
    assert done.returncode == 1 and f"line {len(metrics(folder))} is missing" in done.stdout


def test_an_interrupted_run_is_repeated_as_far_as_it_came(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder)
    config = (folder / "config.yaml").read_text()
    assert "steps: 20" in config
    (folder / "config.yaml").write_text(config.replace("  steps: 20", "  steps: 100000"))
    lines = (folder / "metrics.jsonl").read_text().splitlines()[:15]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**summary, "ended": "interrupted", "steps": 14}))
    done = repeat(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal: all 15 lines" in done.stdout
    assert json.loads((tmp_path / "run.repeat" / "summary.json").read_text())["ended"] == "interrupted"


def test_a_run_that_started_from_weights(small, tmp_path):
    succeed("train", small, "--run", tmp_path / "first")
    succeed("train", small, "--run", tmp_path / "second", "--init-from", tmp_path / "first", "--set", "seed=8")
    done = repeat(tmp_path / "second")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_cannot_be_repeated(small, tmp_path):
    assert repeat(tmp_path / "none").returncode == 2
    succeed("train", small, "--run", tmp_path / "run")
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("learning_rate: 0.001", "learning_rate: 10"))
    done = repeat(tmp_path / "run")
    assert done.returncode == 1 and "learning_rate: 0.001 in the original, 10" in done.stdout


def test_a_training_that_fails_keeps_its_code(small, tmp_path):
    succeed("train", small, "--run", tmp_path / "run")
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("batch_triplets: 7", "batch_triplets: 100000"))
    done = repeat(tmp_path / "run")
    assert done.returncode == 3 and "the training ended with code 3" in done.stderr


def test_the_programs_own_word_is_enough(small, tmp_path):
    """Where summary.json is of an older version, the checkpoint says how many threads there were."""
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder, "--set", "runtime.threads=2")
    config = folder / "config.yaml"
    assert "threads: 2" in config.read_text()
    config.write_text(config.read_text().replace("threads: 2", "threads: auto"))
    (folder / "summary.json").unlink()
    done = repeat(folder)
    assert done.returncode == 0 and "ranks: 1, threads a rank: 2" in done.stdout, done.stdout + done.stderr
    assert run("status", tmp_path / "run.repeat").code == 0
