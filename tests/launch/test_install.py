"""cmake --install: what it puts into a prefix serves a user who has neither the source tree nor its build folder."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("CAUSALFM_SOURCE", Path(__file__).resolve().parents[2]))
BINARY = Path(os.environ.get("CAUSALFM_BINARY", SOURCE / "build" / "causalfm"))
CONSUMER = Path(__file__).with_name("consumer")
SMALL = ["simulation.stars=40", "model.encoder=mlp", "train.steps=4", "train.validation_triplets=8"]
SETTINGS = [word for setting in SMALL for word in ("--set", setting)]
BARE = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere"}


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The installation, in a folder whose name has a blank."""
    folder = tmp_path_factory.mktemp("install") / "the prefix"
    subprocess.run(["cmake", "--install", BINARY.parent, "--prefix", folder], check=True, capture_output=True, timeout=120)
    return folder


def run(command, folder, timeout=60, **variables):
    return subprocess.run(list(map(str, command)), cwd=folder, env={**BARE, **variables}, capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL)


def test_it_runs_from_another_folder_with_a_cleared_environment(prefix, tmp_path):
    result = run([prefix / "bin/causalfm", "--version"], tmp_path)
    assert result.returncode == 0 and result.stdout.startswith("causalfm "), result.stderr
    config = prefix / "share/causalfm/configs/mlp.yaml"
    result = run([prefix / "share/causalfm/launch/mpirun.sh", 2, "train", config, *SETTINGS, "--run", "run"], tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 ranks (mpi" in result.stdout and (tmp_path / "run/summary.json").exists()


def test_nothing_in_it_lies_in_the_build_folder(prefix):
    dynamic = subprocess.run(["readelf", "-d", prefix / "bin/causalfm"], capture_output=True, text=True).stdout
    assert str(BINARY.parent) not in dynamic
    package = "".join(file.read_text() for file in (prefix / "lib/cmake/causalfm").iterdir())
    assert str(BINARY.parent) not in package
    assert not list(prefix.rglob("__pycache__")) and not list(prefix.rglob("*.pyc"))


def test_every_public_header_is_installed(prefix):
    headers = {file.relative_to(SOURCE / "include") for file in (SOURCE / "include").rglob("*.hpp")}
    installed = {file.relative_to(prefix / "include") for file in (prefix / "include").rglob("*.hpp")}
    assert installed == headers | {Path("causalfm/version.hpp")}


@pytest.fixture
def consumer(tmp_path):
    folder = tmp_path / "consumer"
    shutil.copytree(CONSUMER, folder)
    return folder


def configure(prefix, folder, *options):
    return run(["cmake", "-S", ".", "-B", "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", *options], folder)


@pytest.mark.skipif("asan" in str(BINARY) or "tsan" in str(BINARY), reason="its libraries need the sanitizer's flags")
def test_another_project_finds_the_package_and_trains(prefix, consumer):
    configured = configure(prefix, consumer)
    assert configured.returncode == 0, configured.stdout + configured.stderr
    built = run(["cmake", "--build", "build"], consumer, timeout=180)
    assert built.returncode == 0, built.stdout + built.stderr
    trained = run([consumer / "build/consumer", "run"], consumer)
    assert (trained.returncode, trained.stdout) == (0, "completed\n"), trained.stderr
    assert (consumer / "run/checkpoints/latest").exists()


def test_another_torch_is_refused(prefix, consumer, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 2.10.0\n")
    python.chmod(0o755)
    configured = configure(prefix, consumer, f"-DCAUSALFM_PYTHON={python}")
    assert configured.returncode != 0
    assert "set CAUSALFM_PYTHON to a Python that has" in " ".join(configured.stderr.split())


def test_a_project_without_c_is_told(prefix, consumer):
    lists = consumer / "CMakeLists.txt"
    lists.write_text(lists.read_text().replace("LANGUAGES C CXX", "LANGUAGES CXX"))
    configured = configure(prefix, consumer)
    assert configured.returncode != 0 and "LANGUAGES C CXX" in configured.stderr


PROBE = """
proc module-whatis text {puts "whatis $text"}
proc conflict name {puts "conflict $name"}
proc setenv {name value} {puts "setenv $name $value"}
proc prepend-path {name value} {puts "prepend $name $value"}
source [lindex $argv 0]
ModulesHelp
"""


@pytest.mark.skipif(not shutil.which("tclsh"), reason="no tclsh here")
def test_the_module_file_is_tcl_and_names_the_prefix(prefix, tmp_path):
    module, = (prefix / "share/causalfm/modulefiles/causalfm").iterdir()
    assert module.read_text().startswith("#%Module1.0\n")
    probe = tmp_path / "probe.tcl"
    probe.write_text(PROBE)
    result = run(["tclsh", probe, module], tmp_path)
    assert result.returncode == 0, result.stderr
    assert f"prepend PATH {prefix}/bin\n" in result.stdout and f"setenv CAUSALFM_ROOT {prefix}\n" in result.stdout
    assert f"causalfm {module.name}" in result.stderr and "@" not in module.read_text()


MODULES = Path("/usr/share/modules/init/bash")


@pytest.mark.skipif(not MODULES.exists(), reason="no Environment Modules here: install environment-modules")
def test_environment_modules_load_and_unload_it(prefix, tmp_path):
    script = f"""
. {MODULES}
module use "$1/share/causalfm/modulefiles"
module load causalfm
causalfm --version | head -n 1
echo "$CAUSALFM_ROOT" "$CMAKE_PREFIX_PATH"
module help causalfm
module unload causalfm
command -v causalfm || echo gone "${{CAUSALFM_ROOT-too}}"
"""
    result = run(["bash", "-c", script, "bash", prefix], tmp_path)
    assert result.returncode == 0, result.stderr
    version, variables, *_, last = result.stdout.splitlines()
    assert version.startswith("causalfm ") and variables == f"{prefix} {prefix}" and last == "gone too"
    assert "launcher mpirun.sh" in result.stdout + result.stderr


def test_a_staged_installation_names_the_final_prefix(tmp_path):
    stage = tmp_path / "stage"
    done = run(["cmake", "--install", BINARY.parent, "--prefix", "/opt/causalfm"], tmp_path, DESTDIR=str(stage))
    assert done.returncode == 0, done.stderr
    module, = (stage / "opt/causalfm/share/causalfm/modulefiles/causalfm").iterdir()
    assert "set prefix {/opt/causalfm}" in module.read_text()
