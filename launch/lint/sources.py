"""Which files are looked at, and which of them changed since main."""

import re
import subprocess
from pathlib import Path

SUFFIXES = (".cpp", ".hpp", ".cu", ".cuh", ".c")
FOLDERS = ("include/", "src/", "tests/", "benchmarks/", "cmake/")


def _git(root: Path, *arguments: str) -> list[str] | None:
    """Lines that git prints, None where it fails (no repository, no such commit)."""
    done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode == 0 else None


def cpp_files(root: Path) -> list[str]:
    """Paths relative to the root, those that git ignores left out."""
    listed = _git(root, "ls-files", "--cached", "--others", "--exclude-standard")
    if listed is None:
        listed = [str(path.relative_to(root)) for folder in FOLDERS for path in root.joinpath(folder).rglob("*")]
    wanted = {name for name in listed if name.startswith(FOLDERS) and name.endswith(SUFFIXES)}
    return sorted(name for name in wanted if root.joinpath(name).is_file())


def changed_files(root: Path, files: list[str]) -> list[str]:
    """Of `files`, those in commits that the remote's main lacks (on main itself without any: in the last commit), those
    changed in the working tree, and the new ones."""
    head = _git(root, "rev-parse", "HEAD")
    if head is None:
        return files
    base = _git(root, "merge-base", "HEAD", "origin/main") or _git(root, "merge-base", "HEAD", "main")
    if not base or base == head:
        base = _git(root, "rev-parse", "--verify", "--quiet", "HEAD~1")
    if not base:
        return files
    changed = set(_git(root, "diff", "--name-only", "--no-renames", base[0]) or [])
    changed |= set(_git(root, "ls-files", "--others", "--exclude-standard") or [])
    return [name for name in files if name in changed]


def without_comments_and_strings(text: str) -> str:
    """C++ text with the content of comments and literals blanked, lines kept."""
    comment = r"//[^\n]*|/\*.*?\*/"
    string = r'R"(?P<mark>[^()\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"'
    character = r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # not the separators of 1'000'000
    token = re.compile(f"{comment}|{string}|{character}", re.DOTALL)
    return token.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
