"""What mpirun's exit code means to a user."""

import re
import signal
import sys

from banners import BannerFilter

DEFECT, USAGE_ERROR, LOST, INTERRUPTED = 1, 2, 4, 75
AGAIN = "the last checkpoint is intact, run again to go on from it"
JOB_FAILED = re.compile(r"Primary job +terminated|non-zero status|MPI_ABORT was invoked")
DIED = re.compile(r"process rank (\d+) with PID \d+ on node (\S+) exited on signal (\d+)")


def verdict(returned: int, reason: str | None, signalled: bool, stderr: BannerFilter) -> tuple[int, str | None]:
    """Our exit code for what mpirun `returned` (negative: it was itself ended by that signal), and the sentence that
    the ranks could not print themselves. `reason` says why the launcher ended the job, if it did; `signalled`, whether
    it was asked to end."""
    if reason:
        return LOST, f"{reason}: {AGAIN}"
    died = DIED.search(stderr.banners)
    if died and returned == 128 + int(died.group(3)):
        if stderr.told and int(died.group(3)) == signal.SIGKILL:
            return LOST, None  # the survivors have named it
        return ended_by_signal(f"rank {died.group(1)} on {died.group(2)}", int(died.group(3)), signalled)
    if returned < 0:
        return ended_by_signal("mpirun", -returned, signalled)
    if returned and not stderr.spoken and stderr.banners and not JOB_FAILED.search(stderr.banners):
        shortage = "not enough slots" in stderr.banners
        return USAGE_ERROR if shortage else LOST, "mpirun could not start the ranks:\n" + stderr.banners.rstrip()
    if returned in (128 + signal.SIGKILL, 128 + signal.SIGSEGV, 128 + signal.SIGABRT):
        return ended_by_signal("a rank", returned - 128, signalled)
    return returned, None


def ended_by_signal(who: str, number: int, signalled: bool) -> tuple[int, str]:
    name = signal.Signals(number).name if number in signal.valid_signals() else f"signal {number}"
    if number == signal.SIGKILL:
        memory = "with a smaller batch or fewer ranks a host if memory ran out"
        return LOST, f"{who} was killed from outside (kill -9 or out of memory): {AGAIN}, {memory}"
    if number == signal.SIGUSR1 and signalled:
        return INTERRUPTED, "interrupted before the ranks had started: run again to go on"
    if number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        return LOST, f"{who} was ended from outside by {name}: {AGAIN}"
    return DEFECT, f"{who} crashed ({name}), a defect: run again with --log-level debug and report what it prints"


if __name__ == "__main__":
    # For launchers other than mpirun: verdict.py WHO SIGNAL [signalled]
    exit_code, told = ended_by_signal(sys.argv[1], int(sys.argv[2]), "signalled" in sys.argv[3:])
    print(f"causalfm: {told}", file=sys.stderr)
    sys.exit(exit_code)
