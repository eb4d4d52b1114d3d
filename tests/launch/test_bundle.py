"""launch/bundle.sh: what it packs runs on a machine that has Python's torch and nothing else of ours."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("CAUSALFM_SOURCE", Path(__file__).resolve().parents[2]))
BINARY = Path(os.environ.get("CAUSALFM_BINARY", SOURCE / "build" / "causalfm"))
PYTHON = SOURCE / ".venv" / "bin" / "python"
GLIBC = {"libc", "libm", "libmvec", "libpthread", "librt", "libdl", "libutil", "libresolv", "libanl", "ld-linux-x86-64"}

pytestmark = pytest.mark.skipif(BINARY != SOURCE / "build" / "causalfm", reason="bundles are of the release build")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    archive = folder / "causalfm.tar.gz"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAUSALFM_")}
    subprocess.run([SOURCE / "launch" / "bundle.sh", "--with", "tests/comm/test_comm_mpi", "--out", archive.name],
                   check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL, timeout=300)
    assert archive.stat().st_size < 60e6
    with tarfile.open(archive) as opened:
        opened.extractall(folder)
    return next(folder.glob("causalfm-*"))


def run(bundle, script, **variables):
    """Bash in the bundle's folder, where possible with all of Open MPI, PMIx and HDF5 hidden from it."""
    system = Path("/usr/lib/x86_64-linux-gnu")
    hide = "".join(f"mount --bind /mnt {folder}; " for folder in (system / "openmpi", system / "pmix2", system / "hdf5")
                   if folder.is_dir())
    hide += "".join(f"mount --bind /dev/null {file}; " for file in ("/usr/bin/orterun", "/usr/bin/orted")
                    if Path(file).exists())
    private = os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
    command = ["unshare", "-m", "bash", "-ec", hide + script] if private else ["bash", "-ec", script]
    environment = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), "CAUSALFM_PYTHON": str(PYTHON), **variables}
    return subprocess.run(command, cwd=bundle, env=environment, capture_output=True, text=True, timeout=120)


def test_every_library_is_the_bundles_torchs_or_glibcs(bundle):
    printed = run(bundle, "sed 's/^exec .*/echo \"$LD_LIBRARY_PATH\"/' bin/causalfm >bin/paths; bash bin/paths; rm bin/paths")
    files = [*(bundle / "libexec").iterdir(), *(bundle / "lib").glob("*.so*")]
    listed = subprocess.run(["ldd", *files], capture_output=True, text=True,
                            env={"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": printed.stdout.strip()}).stdout
    assert "not found" not in listed
    for line in listed.splitlines():
        name, arrow, target = (line.split() + ["", "", ""])[:3]
        if arrow != "=>" or name.split(".so")[0] in GLIBC or name.startswith(("libstdc++", "libgcc_s")):
            continue
        assert str(bundle) in target or "site-packages" in target, line


def test_it_simulates_trains_and_evaluates_from_another_folder(bundle, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(bundle, moved, symlinks=True)
    small = "--set simulation.stars=40 --set model.encoder=mlp --set train.steps=4 --set train.validation_triplets=8"
    result = run(moved, f"""
        bin/causalfm simulate share/causalfm/configs/mlp.yaml --set simulation.stars=40 --out data
        bin/causalfm train share/causalfm/configs/mlp.yaml {small} --set data.path=data --run one
        share/causalfm/launch/mpirun.sh 2 train share/causalfm/configs/mlp.yaml {small} --set data.path=data --run two
    """)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 rank (single" in result.stdout and "2 ranks (mpi" in result.stdout
    assert result.stderr == ""
    assert (moved / "two" / "summary.json").exists()
    assert "PASSED" in run(moved, "bin/mpirun --allow-run-as-root --oversubscribe -n 2 bin/test_comm_mpi").stdout


@pytest.mark.parametrize("text, sentence", [
    ("print('2.10.0+cpu /nowhere')", "has torch 2.10.0+cpu, this bundle was built for 2.11.0"),
    ("raise SystemExit(1)", "has no torch"),
])
def test_another_torch_is_refused(bundle, tmp_path, text, sentence):
    python = tmp_path / "python"
    python.write_text(f"#!{PYTHON}\n{text}\n")
    python.chmod(0o755)
    result = run(bundle, "bin/causalfm --version", CAUSALFM_PYTHON=str(python))
    assert result.returncode == 2 and sentence in result.stderr and result.stderr.count("\n") == 1


def test_no_python_is_refused(bundle):
    result = run(bundle, "bin/causalfm --version", CAUSALFM_PYTHON="/nowhere/python")
    assert result.returncode == 2 and "CAUSALFM_PYTHON" in result.stderr


def test_mistakes_are_refused():
    for arguments in (["--what"], ["--out"]):
        result = subprocess.run([SOURCE / "launch" / "bundle.sh", *arguments], capture_output=True, text=True)
        assert result.returncode == 2 and result.stderr.startswith("bundle.sh: ")
