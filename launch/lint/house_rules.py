"""Rules of the house that neither compiler nor clang-tidy knows."""

import re
from dataclasses import dataclass
from pathlib import Path

from sources import without_comments_and_strings


@dataclass(frozen=True)
class Rule:
    pattern: re.Pattern[str]
    where: tuple[str, ...]  # folders that it holds in
    except_in: tuple[str, ...]
    sentence: str


RULES = (
    Rule(
        re.compile(r"^\s*#\s*include\s*[<\"](?:torch/|ATen/ATen\.h)", re.MULTILINE),
        ("include/",),
        (),
        "a public header includes <ATen/core/Tensor.h> at most: torch/ and ATen/ATen.h take seconds to compile",
    ),
    Rule(
        re.compile(r"^\s*#\s*include\s*[<\"]torch/torch\.h", re.MULTILINE),
        ("src/",),
        (),
        "torch/torch.h takes 19 s to compile: include the narrow ATen header",
    ),
    Rule(
        re.compile(r"\b(?:secure_)?getenv\s*\("),
        ("include/", "src/"),
        ("src/config/",),
        "only src/config reads the environment: pass the value in",
    ),
    Rule(
        re.compile(
            r"(?:\bstd|(?<![\w>]))::(?:exit|abort|_exit|_Exit|quick_exit)\s*\(|^\s*(?:exit|abort|_exit|_Exit)\s*\(",
            re.MULTILINE,
        ),
        ("include/", "src/"),
        ("src/app/", "src/sweep/local_jobs.cpp"),  # there a forked child ends that could not become its program
        "only src/app ends the process: throw the room's error",
    ),
    Rule(
        re.compile(r"^\s*using\s+namespace\b(?!\s+std::(?:chrono_)?literals)", re.MULTILINE),
        ("include/",),
        (),
        "a header opens a namespace for everyone who includes it: name what is used",
    ),
)


def check(root: Path, files: list[str]) -> list[str]:
    """A finding for every line that breaks a rule, and for every header without #pragma once."""
    findings = []
    for name in files:
        text = root.joinpath(name).read_text()
        code = without_comments_and_strings(text)
        for rule in RULES:
            if not name.startswith(rule.where) or name.startswith(rule.except_in or ("\0",)):
                continue
            # Includes in quotes are literals, so they are blanked in `code`.
            searched = text if "include" in rule.pattern.pattern else code
            for match in rule.pattern.finditer(searched):
                line = searched.count("\n", 0, match.end()) + 1
                findings.append(f"{name}:{line}: {rule.sentence}")
        if name.endswith((".hpp", ".cuh")) and not re.search(r"^#pragma once$", code, re.MULTILINE):
            findings.append(f"{name}:1: a header begins with #pragma once")
    return findings
