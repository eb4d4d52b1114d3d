"""mpirun as a child: its session, its signals, its stderr, its end."""

import ctypes
import os
import selectors
import signal
import subprocess
import time
from pathlib import Path

from banners import BannerFilter
from request import Request, say
from verdict import verdict

SECONDS_AFTER_TERM = 3.0  # mpirun passes TERM on to its ranks and follows with KILL
SECONDS_AFTER_RANKS = 15.0  # for mpirun to end after the ranks of this host


def die_with_parent() -> None:
    """In the child: mpirun gets TERM when this launcher is killed, so that a job never outlives it."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def session_members(session: int) -> dict[int, str]:
    """Living processes of a session with their names; ranks have process groups of their own but stay in it."""
    members = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            name, rest = Path(entry.path, "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        except (OSError, IndexError):
            continue
        state, _, _, member_of = rest.split()[:4]
        if int(member_of) == session and state not in "ZX":
            members[int(entry.name)] = name
    return members


def end_session(session: int) -> None:
    """Kills whatever is left of mpirun's session."""
    for process in session_members(session):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Supervisor:
    """mpirun as a child in a session of its own, its signals and its stderr."""

    FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)

    def __init__(self, request: Request, command: list[str], environment: dict[str, str], rank_name: str):
        self._request = request
        self._rank_name = rank_name[:15]  # as /proc shows it
        self._filter = BannerFilter(enabled=not request.debug)
        self._interrupts = 0
        self._deadline: float | None = None
        self._next_look = 0.0
        self._ranks_last_seen: float | None = None
        self._reason: str | None = None  # why this launcher ended the job, if it did
        self._selector = selectors.DefaultSelector()
        self._watch_signals()
        self._child = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        self._selector.register(self._child.stderr, selectors.EVENT_READ, "stderr")

    def run(self) -> int:
        """Waits for the job's end and returns its exit code after saying what a rank cannot say itself."""
        while self._child.poll() is None:
            self._step(timeout=0.2 if self._filter.holds else 1.0)
            self._check_clock()
        self._drain()
        end_session(self._child.pid)
        code, sentence = verdict(self._child.returncode, self._reason, self._deadline is not None, self._filter)
        if sentence:
            say(sentence)
        return code

    def _watch_signals(self) -> None:
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        os.set_blocking(reader, False)
        signal.set_wakeup_fd(writer)
        for number in (*self.FORWARDED, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        self._signals = reader
        self._selector.register(reader, selectors.EVENT_READ, "signal")

    def _step(self, timeout: float) -> bool:
        """Handles what has come, waiting up to `timeout` seconds for it; false when nothing came."""
        events = self._selector.select(timeout)
        for key, _ in events:
            if key.data == "signal":
                for number in os.read(self._signals, 512):
                    self._on_signal(number)
            else:
                self._on_output()
        if not events and self._filter.holds:
            self._write(self._filter.flush())
        return bool(events)

    def _on_signal(self, number: int) -> None:
        if number not in self.FORWARDED:
            return
        if number == signal.SIGINT:
            self._interrupts += 1
            if self._interrupts == 2:
                self._end_job("a second interrupt ended all ranks before they had saved")
                return
        if self._deadline is None:
            self._deadline = time.monotonic() + self._request.grace
            self._child.send_signal(signal.SIGUSR1)

    def _on_output(self) -> None:
        data = os.read(self._child.stderr.fileno(), 65536)
        if data:
            self._write(self._filter.feed(data))
        else:
            self._selector.unregister(self._child.stderr)

    def _check_clock(self) -> None:
        now = time.monotonic()
        if self._deadline is not None and now > self._deadline:
            self._end_job(f"the ranks did not end within {self._request.grace:g} seconds of the signal")
        if now < self._next_look:
            return
        self._next_look = now + 1.0
        if self._rank_name in session_members(self._child.pid).values():
            self._ranks_last_seen = now
        elif self._ranks_last_seen is not None:
            # As measured after a cut network cable: mpirun waits for minutes for hosts that it cannot reach.
            patience = min(SECONDS_AFTER_RANKS, self._request.grace)
            if now - self._ranks_last_seen > patience:
                self._end_job(f"all ranks of this host ended, but mpirun did not within {patience:g} seconds")

    def _end_job(self, reason: str) -> None:
        if self._child.poll() is not None:
            return
        self._reason = reason
        self._child.terminate()
        try:
            self._child.wait(SECONDS_AFTER_TERM)
        except subprocess.TimeoutExpired:
            end_session(self._child.pid)
            self._child.wait()

    def _drain(self) -> None:
        """Takes what mpirun has still written; a process that outlived it may hold the pipe open."""
        end = time.monotonic() + 1.0
        while self._child.stderr in [key.fileobj for key in self._selector.get_map().values()]:
            if not self._step(timeout=0.1) or time.monotonic() > end:
                break
        self._write(self._filter.flush())

    @staticmethod
    def _write(data: bytes) -> None:
        try:
            while data:
                data = data[os.write(2, data) :]
        except OSError:
            pass  # nobody reads our stderr any more; the job goes on
