"""The room table: who may include whose headers."""

import re
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
OPEN_TO_ALL = ("causalfm/lanes.hpp", "causalfm/philox.hpp", "causalfm/version.hpp")


def read_table(root: Path) -> dict[str, set[str]]:
    """launch/rooms.txt: a room and the rooms that it may use, itself included."""
    table: dict[str, set[str]] = {}
    for line in root.joinpath("launch/rooms.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            room, _, uses = line.partition(":")
            table[room.strip()] = {room.strip(), *uses.split()}
    for uses in table.values():
        if "*" in uses:
            uses.update(table)
    return table


def check(root: Path, files: list[str]) -> list[str]:
    """Findings for every include and every USES of a CMakeLists.txt that the table does not list."""
    table = read_table(root)
    findings = []
    for name in files:
        for number, line in enumerate(root.joinpath(name).read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                sentence = _judge(name, match.group(2), table)
                if sentence:
                    findings.append(f"{name}:{number}: {sentence}")
    for room in sorted(table):
        findings += _check_links(root, room, table)
    return findings


def _room_of(name: str, table: dict[str, set[str]]) -> str | None:
    """The room that a file belongs to; None for tests, benchmarks and headers of no room."""
    match = re.match(r"(?:include/causalfm|src)/(\w+)/", name)
    return match.group(1) if match else None


def _judge(name: str, included: str, table: dict[str, set[str]]) -> str | None:
    if included.startswith("../") or "/../" in included:
        return f"'{included}' climbs out of its folder: include it by its path from include/ or src/"
    if not name.startswith(("include/", "src/")):
        return None
    parts = included.split("/")
    if parts[0] == "causalfm" and len(parts) == 2:
        if included in OPEN_TO_ALL:
            return None
        return f"'{included}' belongs to no room: move it into one, or list it in launch/lint/rooms.py as open to all"
    room = _room_of(name, table)
    if room is not None and room not in table:
        return f"room '{room}' is not in launch/rooms.txt: add its row"
    public = parts[0] == "causalfm" and len(parts) > 2
    owner = parts[1] if public else parts[0]
    if owner not in table or len(parts) == 1 or owner == room:
        return None
    if room is None:
        return f"a header of no room may not include room '{owner}'"
    if not public:
        return f"'{included}' is private to room '{owner}': use a header of include/causalfm/{owner}"
    if owner not in table[room]:
        allowed = _listing(table, room)
        return f"room '{room}' may not include room '{owner}': its row in launch/rooms.txt lists {allowed}"
    return None


def _listing(table: dict[str, set[str]], room: str) -> str:
    return ", ".join(sorted(table[room] - {room})) or "no other room"


def _check_links(root: Path, room: str, table: dict[str, set[str]]) -> list[str]:
    """The rooms that src/ROOM/CMakeLists.txt links must be in the row as well."""
    cmake = root / "src" / room / "CMakeLists.txt"
    findings = []
    if cmake.is_file():
        for number, line in enumerate(cmake.read_text().splitlines(), 1):
            for linked in re.findall(r"\bcausalfm::(\w+)", line) + _uses(line):
                if linked in table and linked not in table[room]:
                    allowed = _listing(table, room)
                    findings.append(
                        f"src/{room}/CMakeLists.txt:{number}: room '{room}' may not link room '{linked}': "
                        f"its row in launch/rooms.txt lists {allowed}"
                    )
    return findings


def _uses(line: str) -> list[str]:
    match = re.search(r"\bUSES\s+([a-z_ ]+)", line)
    return match.group(1).split() if match else []
