"""launch/mpirun.sh with a small MPI program in the place of causalfm."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("CAUSALFM_SOURCE", Path(__file__).resolve().parents[2]))
LAUNCHER = SOURCE / "launch" / "mpirun.sh"
CORES = len(os.sched_getaffinity(0))


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    binary = tmp_path_factory.mktemp("stand_in") / "stand-in-rank"
    source = Path(__file__).with_name("stand_in.c")
    subprocess.run(["mpicc", "-std=gnu11", "-Wall", "-Wextra", "-O1", source, "-o", binary], check=True)
    return binary


@pytest.fixture
def environment(stand_in):
    kept = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    return {**kept, "CAUSALFM_BINARY": str(stand_in)}


def launch(environment, *arguments, timeout=30):
    return subprocess.run(
        [LAUNCHER, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=timeout
    )


class Started:
    """A launch in the background whose ranks have all said "ready"."""

    def __init__(self, environment, *arguments, ranks):
        self.process = subprocess.Popen(
            [LAUNCHER, *map(str, arguments)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(ranks):
            assert self.process.stdout.readline() == "ready\n"

    def end(self, timeout=20):
        _, errors = self.process.communicate(timeout=timeout)
        return self.process.returncode, errors


def living_ranks(stand_in):
    """Processes of the stand-in that have not ended."""
    living = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.joinpath("exe").resolve() == stand_in:
                living.append(entry.name)
        except OSError:
            pass
    return living


def test_code_and_sentence_of_ranks_that_agree(environment):
    done = launch(environment, 2, "code", 75)
    assert (done.returncode, done.stderr) == (75, "causalfm: rank 0: sentence\n")


def test_abort_shows_only_our_sentence(environment):
    done = launch(environment, 2, "abort")
    assert (done.returncode, done.stderr) == (3, "causalfm: rank 0: sentence\n")


def test_both_streams_arrive_whole(environment):
    done = launch(environment, 2, "speak")
    assert done.returncode == 0
    assert done.stdout.split() == [str(i) for i in range(20000)]
    assert done.stderr.split() == [str(i) for i in range(20000)]


def test_killed_rank_is_a_lost_rank(environment):
    done = launch(environment, 2, "die", int(signal.SIGKILL))
    assert done.returncode == 4
    sentence = r"causalfm: rank 1 on \S+ was killed from outside \(kill -9 or out of memory\): .*\n"
    assert re.fullmatch(sentence, done.stderr)


def test_crashed_rank_is_a_defect(environment):
    done = launch(environment, 2, "die", int(signal.SIGSEGV))
    assert done.returncode == 1
    assert re.fullmatch(r"causalfm: rank 1 on \S+ crashed \(SIGSEGV\), .*\n", done.stderr)


def test_debug_shows_what_open_mpi_says(environment):
    done = launch(environment, 2, "die", int(signal.SIGSEGV), "--log-level", "debug")
    assert done.returncode == 1
    assert "Signal: Segmentation fault" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_ranks_save(environment, number):
    started = Started(environment, 2, "save", ranks=2)
    started.process.send_signal(number)
    assert started.end() == (75, "causalfm: 2 ranks saved\n")


def test_second_interrupt_ends_at_once(environment, stand_in):
    started = Started(environment, 2, "ignore", ranks=2)
    before = time.monotonic()
    started.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    started.process.send_signal(signal.SIGINT)
    code, errors = started.end()
    assert code == 4 and errors.startswith("causalfm: a second interrupt ended all ranks") and errors.count("\n") == 1
    assert time.monotonic() - before < 8
    assert not living_ranks(stand_in)


def test_grace_period_is_kept(environment, stand_in):
    started = Started(environment, "--grace", 1, 2, "ignore", ranks=2)
    before = time.monotonic()
    started.process.send_signal(signal.SIGTERM)
    code, errors = started.end()
    assert code == 4 and errors.startswith("causalfm: the ranks did not end within 1 seconds of the signal")
    assert 1 <= time.monotonic() - before < 8
    assert not living_ranks(stand_in)


def test_mpirun_that_outlives_its_ranks_is_ended(environment):
    done = launch(environment, "--grace", 1, 2, "freeze-mpirun")
    assert done.returncode == 4
    assert done.stderr.startswith("causalfm: all ranks of this host ended, but mpirun did not within 1 seconds")


def test_ranks_end_with_a_killed_launcher(environment, stand_in):
    started = Started(environment, 2, "ignore", ranks=2)
    started.process.kill()
    started.process.wait()
    deadline = time.monotonic() + 10
    while living_ranks(stand_in) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not living_ranks(stand_in)


def test_lines_come_without_delay(environment):
    process = subprocess.Popen([LAUNCHER, "1", "slowly"], env=environment, stderr=subprocess.PIPE, bufsize=0)
    assert process.stderr.readline() == b"first\n"
    assert process.stderr.read(100) == b"unfinished"
    assert process.poll() is None, "the lines came only at the end"
    assert process.wait(timeout=20) == 0


def test_cores_are_shared(environment):
    done = launch(environment, 1, "place")
    cores, threads = map(int, re.search(r"cores (\d+) threads (\d+) terminal 0", done.stdout).groups())
    assert cores <= CORES and threads <= cores
    done = launch({**environment, "OMP_NUM_THREADS": "3"}, 1, "place")
    assert "threads 3" in done.stdout


@pytest.mark.skipif(CORES < 2, reason="needs a core to do without")
def test_restricted_cores_are_kept(environment):
    core = max(os.sched_getaffinity(0))
    command = ["taskset", "-c", str(core), LAUNCHER, "2", "place"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("cores 1 threads 1") == 2
    assert done.stdout.count(f"first {core} ") == 2


@pytest.mark.skipif(CORES > 8, reason="would start too many ranks")
def test_more_ranks_than_cores(environment):
    done = launch(environment, CORES + 1, "place")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(rf"{CORES + 1} ranks share \d+ cores? of a host: .*\n", done.stdout)
    assert done.stdout.count("threads 1 ") == CORES + 1


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ([], "the number of ranks is a positive integer, not ''"),
        (["0", "train"], "the number of ranks is a positive integer, not '0'"),
        (["two"], "the number of ranks is a positive integer, not 'two'"),
        (["--grace", "soon", "2"], "--grace is a number of seconds, not 'soon'"),
        (["--grace"], "--grace needs a value"),
        (["--hostfile", "/nowhere", "2"], "no host file /nowhere"),
        (["--np", "2"], "unknown option --np"),
    ],
)
def test_usage(environment, arguments, sentence):
    done = launch(environment, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"causalfm: {sentence}") and "usage: launch/mpirun.sh" in done.stderr


def test_no_binary(environment, tmp_path):
    done = launch({**environment, "CAUSALFM_BINARY": str(tmp_path / "nothing")}, 2, "train")
    assert done.returncode == 2 and "correct CAUSALFM_BINARY" in done.stderr


def test_no_mpirun(environment, tmp_path):
    for tool in ("bash", "dirname", "python3"):
        tmp_path.joinpath(tool).symlink_to(subprocess.check_output(["which", tool], text=True).strip())
    done = launch({**environment, "PATH": str(tmp_path)}, 2, "train")
    assert done.returncode == 2 and "no mpirun in PATH" in done.stderr


def test_program_that_cannot_start(environment, tmp_path):
    broken = tmp_path / "broken"
    broken.write_text("not a program")
    broken.chmod(0o755)
    done = launch({**environment, "CAUSALFM_BINARY": str(broken)}, 2, "train")
    assert done.returncode == 4
    assert done.stderr.startswith("causalfm: mpirun could not start the ranks:") and "Exec format error" in done.stderr
