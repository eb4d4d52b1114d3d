"""Open MPI's own messages on stderr, told apart from what the ranks say."""

import re

RULER = b"-" * 74  # mpirun frames its messages with two of these lines, and writes a whole frame at once


class BannerFilter:
    """Lets the ranks' own stderr through at once and keeps back what Open MPI adds to it."""

    LINE = re.compile(rb"mpirun: Forwarding signal \d+ to job|\[[\w.-]+:\d{3,}\] ")
    LINE_BEGINNING = re.compile(rb"-+|m(p(i(r(u(n(:.*)?)?)?)?)?)?|\[.*")
    LONGEST = 16384  # a frame that grows longer was none: its ruler came from a rank

    def __init__(self, enabled: bool):
        self._enabled = enabled
        self._frame: bytes | None = None  # since its first ruler, while a frame is open
        self._pending = b""  # the start of a line that may turn out to be a ruler
        self._line_start = True
        self.banners = ""  # all that was kept back
        self.spoken = False  # whether a rank has said anything
        self.told = False  # whether a rank has told why the job failed

    def feed(self, data: bytes) -> bytes:
        """The part of the stream up to here that a user should see."""
        if not self._enabled:
            self.spoken |= bool(data)
            return data
        # Split by newline alone: a carriage return belongs to a rank's progress line.
        lines = re.findall(rb"[^\n]*\n|[^\n]+", self._pending + data)
        self._pending = b""
        shown = b"".join(self._line(line) for line in lines)
        self.spoken |= bool(shown)
        self.told |= b"causalfm: " in shown
        return shown

    def flush(self) -> bytes:
        """What is still held back because its end has not come; called after a pause and at the end."""
        held = (self._frame or b"") + self._pending
        self._frame, self._pending = None, b""
        self._line_start = held.endswith(b"\n") if held else self._line_start
        self.spoken |= bool(held)
        return held

    @property
    def holds(self) -> bool:
        return bool(self._frame or self._pending)

    def _line(self, line: bytes) -> bytes:
        whole = line.endswith(b"\n")
        text = line.rstrip(b"\n")
        if self._frame is not None:
            return self._inside(line, text, whole)
        if whole and text.endswith(RULER):  # a rank's unfinished line may stand before the ruler
            self._frame = line[len(text) - len(RULER) :]
            self._line_start = True
            return text[: -len(RULER)]
        if self._line_start and whole and self.LINE.match(text):
            self.banners += text.decode(errors="replace") + "\n"
            return b""
        if not whole and self._line_start and self.LINE_BEGINNING.fullmatch(text):
            self._pending = line
            return b""
        self._line_start = whole
        return line

    def _inside(self, line: bytes, text: bytes, whole: bool) -> bytes:
        if not whole:
            self._pending = line
            return b""
        self._frame += line
        if text == RULER:
            self.banners += self._frame.decode(errors="replace")
            self._frame = None
        elif len(self._frame) > self.LONGEST:
            return self.flush()
        return b""
