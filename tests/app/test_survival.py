"""Runs that are killed, asked to stop, given to others, or left without a disk go on where they were, with the same numbers."""

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import yaml

from conftest import SMALL, assert_same_bits, metrics, run, small_disk, start, succeed, training_lines

SETTINGS = ("--set", "train.steps=60", "--set", "train.checkpoint_every=4", "--set", "train.keep_checkpoints=2")
ENDLESS = ("--set", "train.steps=100000", "--set", "train.validate_every=100000", "--set", "train.checkpoint_every=100000")


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def steps_done(folder):
    file = folder / "metrics.jsonl"
    return file.read_text().count('"loss"') if file.exists() else 0


def program_processes(folder):
    """Of the runs in `folder`: ranks, not launchers."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words and Path(words[0].decode()).name == "causalfm" and str(folder).encode() in words:
            found.append(int(process.name))
    return sorted(found)


def kill_at_random(small, folder, ranks, chance):
    """Starts the run and kills a rank, or all of them, at any moment."""
    process = start("train", small, "--run", folder, *SETTINGS, ranks=ranks)
    time.sleep(chance.uniform(0.2, 1.2))
    if chance.random() < 0.8:
        target = steps_done(folder) + chance.randrange(1, 12)
        wait_until(lambda: process.poll() is not None or steps_done(folder) >= target, 60)
        time.sleep(chance.uniform(0, 0.01))
    alive = program_processes(folder)
    for pid in alive if chance.random() < 0.5 else alive[:1]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.communicate(timeout=90)
    wait_until(lambda: not program_processes(folder))


def survive(small, tmp_path, ranks, kills, seed):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    succeed("train", small, "--run", whole, *SETTINGS, ranks=ranks)
    chance = random.Random(seed)
    for _ in range(kills):
        kill_at_random(small, killed, ranks, chance)
    succeed("train", small, "--run", killed, *SETTINGS, ranks=ranks)
    assert metrics(killed) == metrics(whole)
    assert_same_bits(whole / "checkpoints/step-00000060.h5", killed / "checkpoints/step-00000060.h5")
    kept = {file.name for file in (whole / "checkpoints").iterdir()}
    assert {file.name for file in (killed / "checkpoints").iterdir()} == kept
    assert not (killed / "lock.json").exists()


@pytest.mark.parametrize("ranks", [None, 2])
def test_random_kills_leave_no_trace(small, tmp_path, ranks):
    survive(small, tmp_path, ranks, kills=3, seed=5)


def test_other_numbers_of_ranks_and_pieces_go_on(small, tmp_path):
    whole, divided = tmp_path / "whole", tmp_path / "divided"
    succeed("train", small, "--run", whole, *SETTINGS)
    for steps, ranks, pieces in ((20, 2, 0), (40, None, 2), (60, 3, 1)):
        settings = (*SETTINGS, "--set", f"train.steps={steps}", "--set", f"train.micro_batch={pieces}")
        result = succeed("train", small, "--run", divided, *settings, ranks=ranks)
    assert "ranks before 1, now 3" in result.output
    assert [line["step"] for line in training_lines(divided)] == list(range(60))
    expected = [line["loss"] for line in training_lines(whole)]
    assert [line["loss"] for line in training_lines(divided)] == pytest.approx(expected, rel=1e-3)


def test_a_folder_has_one_run_at_a_time(small, tmp_path):
    folder = tmp_path / "run"
    first = start("train", small, "--run", folder, *ENDLESS)
    wait_until(lambda: steps_done(folder) > 2)
    lock = json.loads((folder / "lock.json").read_text())
    assert lock["pid"] == first.pid and lock["ranks"] == 1
    for arguments in ((), ("--resume", "never")):
        second = run("train", small, "--run", folder, *ENDLESS, *arguments, ranks=2)
        assert second.code == 2 and second.error.count("causalfm:") == 1
        assert f"process {first.pid}" in second.error and lock["host"] in second.error and "--run" in second.error
    first.kill()
    first.communicate()
    assert (folder / "lock.json").exists()
    third = succeed("train", small, "--run", folder, *ENDLESS, "--set", "train.steps=4")
    assert f"process {first.pid}" in third.output and "gone" in third.output
    assert not (folder / "lock.json").exists()


def test_time_limit(small, tmp_path):
    folder = tmp_path / "run"
    limited = run("train", small, "--run", folder, *ENDLESS, "--set", "train.time_limit_minutes=0.03", ranks=2)
    assert limited.code == 75, limited.error
    assert "train.time_limit_minutes is over" in limited.output and "run the same command again" in limited.output
    done = steps_done(folder)
    assert (folder / "checkpoints" / "latest").read_text().strip() == f"step-{done:08}.h5"
    assert json.loads((folder / "summary.json").read_text())["ended"] == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM, signal.SIGINT])
def test_a_signal_may_reach_one_rank_only(small, tmp_path, number):
    folder = tmp_path / "run"
    process = start("train", small, "--run", folder, *ENDLESS, ranks=3)
    wait_until(lambda: steps_done(folder) > 2)
    os.kill(random.choice(program_processes(folder)), number)
    output, error = process.communicate(timeout=60)
    assert process.returncode == 75, output + error
    assert (folder / "checkpoints" / "latest").read_text().strip() == f"step-{steps_done(folder):08}.h5"


def test_a_second_interrupt_ends_at_once_with_the_last_checkpoint_intact(small, tmp_path):
    folder = tmp_path / "run"
    slow = ("--set", "simulation.length=400", "--set", "model.width=64", "--set", "model.blocks=4", "--set",
            "train.batch_triplets=40")  # a step that takes its time
    process = start("train", small, "--run", folder, *ENDLESS, *slow, "--set", "train.checkpoint_every=1")
    wait_until(lambda: (folder / "checkpoints" / "latest").exists(), 300)
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGINT, 130) and time.monotonic() - begin < 5
    result = succeed("train", small, "--run", folder, *slow, "--set", "train.validate_every=100000", "--set",
                     "train.checkpoint_every=1", "--set", "train.steps=1")
    assert "resuming from step" in result.output


def test_a_changed_key_passes_only_where_it_is_allowed(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder, "--set", "train.steps=10")
    changed = ("--set", "loss.temperature=0.25", "--set", "train.learning_rate=0.01")
    refused = run("train", small, "--run", folder, *changed, "--allow", "loss.temperature")
    assert refused.code == 2 and "train.learning_rate was 0.001" in refused.error and "--allow KEY" in refused.error
    assert "loss.temperature" not in refused.error
    unknown = run("train", small, "--run", folder, *changed, "--allow", "loss.temperatur")
    assert unknown.code == 2 and "loss.temperature" in unknown.error
    passed = succeed("train", small, "--run", folder, *changed, "--allow", "loss.temperature", "--allow", "train.learning_rate",
                     ranks=2)
    assert "resuming from step 10" in passed.output
    assert training_lines(folder)[-1]["learning_rate"] == 0.01
    assert yaml.safe_load((folder / "config.yaml").read_text())["loss"]["temperature"] == 0.25


def test_every_nth_checkpoint_stays(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder, *SETTINGS, "--set", "train.keep_every=20", "--set", "train.keep_checkpoints=1")
    steps = {int(file.stem[5:]) for file in (folder / "checkpoints").glob("*.h5")}
    best = json.loads((folder / "summary.json").read_text())["best_step"]
    assert steps == {20, 40, 60, best}


def test_metrics_tell_what_checkpoints_cost(small, tmp_path):
    folder = tmp_path / "run"
    succeed("train", small, "--run", folder)
    lines = [line for line in metrics(folder, clock=True) if "loss" in line]
    assert all(line["checkpoint_wait_seconds"] >= 0 for line in lines)
    told = {line["step"]: line for line in lines if "checkpoint_bytes" in line}
    assert set(told) == {5, 10, 15}
    size = (folder / "checkpoints/step-00000020.h5").stat().st_size
    assert 0.5 * size < told[10]["checkpoint_bytes"] < size
    assert told[10]["checkpoint_wait_seconds"] > 0


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A configuration, a run of it that has ended, and the same run after it went on."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "small.yaml").write_text(SMALL)
    succeed("train", folder / "small.yaml", "--run", folder / "ended")
    shutil.copytree(folder / "ended", folder / "continued")
    succeed("train", folder / "small.yaml", "--run", folder / "continued", "--set", "train.steps=25")
    return folder


@pytest.mark.parametrize("name", ["config.yaml", "metrics.jsonl", "summary.json", "log.txt", "checkpoints/latest",
                                  "checkpoints/best", "checkpoints/step-00000020.h5", "checkpoints/step-00000015.h5"])
def test_a_flipped_byte_in_any_file(finished, tmp_path, name):
    folder, whole = tmp_path / "run", finished / "continued"
    shutil.copytree(finished / "ended", folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 0x10
    (folder / name).write_bytes(content)
    result = succeed("train", finished / "small.yaml", "--run", folder, "--set", "train.steps=25")
    assert_same_bits(folder / "checkpoints/step-00000025.h5", whole / "checkpoints/step-00000025.h5")
    if name == "checkpoints/step-00000020.h5":
        assert name in result.output and "resuming from step 15" in result.output
    else:
        assert "resuming from step 20" in result.output
    if name == "config.yaml":
        assert "config.yaml is not what" in result.output
    if name not in ("metrics.jsonl", "checkpoints/step-00000020.h5"):
        assert metrics(folder) == metrics(whole)


def fill(disk):
    with open(disk / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(512))
        except OSError:
            pass


def test_training_goes_on_while_the_disk_is_full(small, tmp_path):
    succeed("train", small, "--run", tmp_path / "whole", "--set", "train.steps=400")
    with small_disk(tmp_path, "size=4m") as disk:
        folder = disk / "run"
        process = start("train", small, "--run", folder, "--set", "train.steps=400")
        wait_until(lambda: (folder / "checkpoints" / "latest").exists())
        fill(disk)
        full_at = steps_done(folder)
        time.sleep(1.0)
        (disk / "filler").unlink()
        output, error = process.communicate(timeout=90)
        assert process.returncode == 0, output + error
        assert "is not saved" in output and "training goes on" in output, output
        assert full_at < 390
        assert metrics(folder) == metrics(tmp_path / "whole")
        assert_same_bits(folder / "checkpoints/step-00000400.h5", tmp_path / "whole/checkpoints/step-00000400.h5")


def test_a_disk_that_stays_full_ends_with_6_and_the_last_checkpoint(small, tmp_path):
    with small_disk(tmp_path, "size=4m") as disk:
        folder = disk / "run"
        succeed("train", small, "--run", folder, "--set", "train.steps=10")
        fill(disk)
        result = run("train", small, "--run", folder, "--set", "train.steps=20")
        assert result.code == 6, result.output
        assert result.error.count("causalfm:") == 1 and len(result.error.splitlines()) == 1, result.error
        (disk / "filler").unlink()
        again = succeed("train", small, "--run", folder, "--set", "train.steps=20")
        assert "resuming from step 10" in again.output
        assert [line["step"] for line in training_lines(folder)] == list(range(20))


def test_a_folder_that_vanishes_and_comes_back_is_whole(small, tmp_path):
    settings = ("--set", "train.steps=400")
    succeed("train", small, "--run", tmp_path / "whole", *settings)
    folder, away = tmp_path / "run", tmp_path / "away"
    process = start("train", small, "--run", folder, *settings)
    wait_until(lambda: (folder / "checkpoints" / "latest").exists())
    folder.rename(away)
    time.sleep(0.5)
    steps_before = steps_done(away)
    away.rename(folder)
    output, error = process.communicate(timeout=90)
    assert process.returncode == 0, output + error
    assert steps_before < 400
    assert "training goes on" in output
    assert metrics(folder) == metrics(tmp_path / "whole")
    assert_same_bits(folder / "checkpoints/step-00000400.h5", tmp_path / "whole/checkpoints/step-00000400.h5")


def test_a_folder_that_is_gone_for_good_ends_with_6(small, tmp_path):
    folder, away = tmp_path / "run", tmp_path / "away"
    process = start("train", small, "--run", folder, "--set", "train.steps=200")
    wait_until(lambda: (folder / "checkpoints" / "latest").exists())
    folder.rename(away)
    output, error = process.communicate(timeout=90)
    assert process.returncode == 6, output + error
    assert error.count("causalfm:") == 1 and "go on from the checkpoint before it" in error, error
    away.rename(folder)
    assert "resuming from step" in succeed("train", small, "--run", folder, "--set", "train.steps=200").output
