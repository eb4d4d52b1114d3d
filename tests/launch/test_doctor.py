"""launch/doctor.sh on this machine, and on machines that lack something."""

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "app"))

from conftest import BINARY, SOURCE, small_disk  # noqa: E402


def doctor(*arguments, **environment):
    done = subprocess.run([SOURCE / "launch" / "doctor.sh", "--json", *map(str, arguments)], capture_output=True,
                          text=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
                          env=dict(os.environ, CAUSALFM_BINARY=str(BINARY)) | environment)
    found = {finding["check"]: finding for finding in json.loads(done.stdout)}
    return done.returncode, found


def program_in(folder, name, text):
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def test_what_works_is_told(tmp_path):
    code, found = doctor("--folder", tmp_path / "runs" / "new")
    for check in ("program", "HDF5", "training", "MPI", "sync", "rename", "exclusive creation"):
        assert found[check]["verdict"] == "ok", found[check]
    assert "two ranks" in found["MPI"]["text"]
    wrong = {name for name, finding in found.items() if finding["verdict"] == "wrong"}
    assert wrong <= {"cores", "shared memory", "space"}, "what a machine of tests may lack"
    assert code == (0 if not wrong else 6 if wrong == {"space"} else 2)
    assert list(tmp_path.iterdir()) == []


def test_an_mpirun_that_fails_is_told(tmp_path):
    program_in(tmp_path, "mpirun", "echo 'no network' >&2; exit 1")
    code, found = doctor("--folder", tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert code == 2
    assert found["MPI"]["verdict"] == "wrong"
    assert found["training"]["verdict"] == "ok"


def test_an_srun_without_pmix_is_told(tmp_path):
    program_in(tmp_path, "sinfo", "echo all")
    program_in(tmp_path, "srun", "echo 'MPI plugin types are...'; echo none; echo pmi2")
    code, found = doctor("--folder", tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert code == 2
    assert "CAUSALFM_LAUNCHER=mpirun" in found["Slurm"]["text"]


def test_a_program_that_hangs_is_told(tmp_path):
    binary = program_in(tmp_path, "causalfm", "sleep 60")
    code, found = doctor("--folder", tmp_path, "--deadline", "1", CAUSALFM_BINARY=str(binary))
    assert code == 2
    assert found["program"]["verdict"] == "wrong"
    assert "within 1 s" in found["program"]["text"]


def test_a_program_that_is_not_there_is_told_once(tmp_path):
    code, found = doctor("--folder", tmp_path, CAUSALFM_BINARY=str(tmp_path / "nothing"))
    assert code == 2
    assert found["program"]["verdict"] == "wrong"
    assert found["MPI"]["verdict"] == "absent"


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path):
    with small_disk(tmp_path, "ro") as disk:
        code, found = doctor("--folder", disk)
    wrong = {name for name, finding in found.items() if finding["verdict"] == "wrong"}
    assert {"sync", "rename", "exclusive creation"} <= wrong
    assert code == (6 if wrong <= {"sync", "rename", "exclusive creation", "space"} else 2)
