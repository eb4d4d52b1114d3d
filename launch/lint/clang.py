"""clang-format and clang-tidy, version 14: other versions format and warn otherwise."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BATCH = 40  # files a call of clang-format
MESSAGE = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):\d+: (?:warning|error): (?P<text>.*)$", re.MULTILINE)


class ToolError(Exception):
    """A tool or what it needs is missing; the text is one sentence with a remedy."""


def _tool(name: str) -> str:
    path = shutil.which(name)
    if not path:
        raise ToolError(f"no {name} in PATH: run launch/setup.sh")
    return path


def check_format(root: Path, files: list[str]) -> list[str]:
    """A finding for the first line of each file that clang-format would change."""
    tool = _tool("clang-format-14")
    findings: dict[str, str] = {}
    for start in range(0, len(files), BATCH):
        command = [tool, "--dry-run", "-Werror", *files[start : start + BATCH]]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
        for match in MESSAGE.finditer(done.stderr):
            name, line = match["file"], match["line"]
            findings.setdefault(name, f"{name}:{line}: is not formatted: run clang-format-14 -i {name}")
        if done.returncode and not findings:
            raise ToolError(f"clang-format failed: {done.stderr.strip()}")
    return list(findings.values())


def check_tidy(
    root: Path, build: Path, files: list[str], seconds: float, report: Callable[[list[str]], None]
) -> tuple[int, int]:
    """clang-tidy on the sources among `files`, and for each header on a source that includes it; as many at a time as
    there are cores, none started after `seconds`. Reports findings as they come; returns how many sources were checked
    and how many were left for lack of time."""
    tool = _tool("clang-tidy-14")
    sources = _sources_to_check(root, build, files)
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        commands = _commands_for_clang(build) if sources else {}
        Path(folder, "compile_commands.json").write_text(json.dumps([commands[name] for name in sources]))

        def run(name: str) -> list[str] | None:
            if time.monotonic() > end:
                return None
            done = subprocess.run([tool, "-p", folder, "--quiet", name], cwd=root, capture_output=True, text=True)
            found = _tidy_findings(root, done.stdout)
            if done.returncode and not MESSAGE.search(done.stdout):
                said = (done.stdout + done.stderr).strip()[-2000:]
                raise ToolError(f"clang-tidy ended with {done.returncode} on {name}: {said}")
            return found

        left = 0
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for found in pool.map(run, sources):
                left += found is None
                report(found or [])
    return len(sources) - left, left


def _tidy_findings(root: Path, output: str) -> list[str]:
    """What lies in our files. clang 14 cannot read the ranges of GCC 12's library: where it stumbles inside that, its
    errors in our file say nothing, for GCC compiles it."""
    messages = list(MESSAGE.finditer(output))
    ours = [match for match in messages if Path(root, match["file"]).resolve().is_relative_to(root)]
    stumbled = len(ours) < len(messages)
    return [
        f"{os.path.relpath(match['file'], root)}:{match['line']}: {match['text'].replace(',-warnings-as-errors', '')}"
        for match in ours
        if not (stumbled and "[clang-diagnostic-error" in match["text"])
    ]


def _sources_to_check(root: Path, build: Path, files: list[str]) -> list[str]:
    """Absolute names of compiled sources that show every one of `files` to clang-tidy."""
    if not files:
        return []
    database = build / "compile_commands.json"
    if not database.is_file():
        raise ToolError(f"no {database}: clang-tidy needs a configured build, run launch/build.sh")
    compiled = [name for name in _commands_for_clang(build) if Path(name).is_relative_to(root)]
    wanted = {str(root / name) for name in files}
    chosen = {name for name in compiled if name in wanted}
    texts = {name: Path(name).read_text() for name in compiled if Path(name).is_file()}
    for header in files:
        if not header.endswith(".hpp"):
            continue
        included = re.sub(r"^(include|src|tests|benchmarks|cmake)/", "", header)
        showing = [name for name, text in texts.items() if f'"{included}"' in text]
        if showing and not chosen.intersection(showing):
            chosen.add(_nearest(root / header, showing))
    return sorted(chosen)


def _nearest(header: Path, sources: list[str]) -> str:
    """The source whose name is most like the header's: its own, or one of its room."""
    return max(sources, key=lambda name: (Path(name).stem == header.stem, Path(name).parent.name == header.parent.name))


def _commands_for_clang(build: Path) -> dict[str, dict]:
    """The build's commands by source, without GCC's precompiled header, which clang cannot read."""
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if Path(entry["file"]).is_relative_to(build) or not entry["file"].endswith(".cpp"):
            continue
        words = iter(shlex.split(entry["command"]))
        kept = []
        for word in words:
            if word == "-include":
                header = next(words)
                kept += [] if header.endswith("cmake_pch.hxx") else [word, header]
            elif word not in ("-Winvalid-pch", "-fpch-preprocess"):
                kept.append(word)
        commands[entry["file"]] = {"directory": entry["directory"], "file": entry["file"], "arguments": kept}
    return commands
