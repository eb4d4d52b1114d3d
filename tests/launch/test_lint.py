"""launch/lint.sh on a small tree of its own that breaks one rule at a time."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("CAUSALFM_SOURCE", Path(__file__).resolve().parents[2]))
GOOD_HEADER = "#pragma once\n\n#include <ATen/core/Tensor.h>\n\n#include \"causalfm/philox.hpp\"\n"


@pytest.fixture
def tree(tmp_path):
    """A committed tree with one good header and the launchers of this one."""
    shutil.copytree(SOURCE / "launch", tmp_path / "launch", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".clang-format", ".clang-tidy"):
        shutil.copy(SOURCE / name, tmp_path / name)
    write(tmp_path, "include/causalfm/data/batch.hpp", GOOD_HEADER)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    return tmp_path


def write(tree, name, text):
    file = tree / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def git(tree, *arguments):
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "-C", tree, *identity, *arguments], check=True, capture_output=True)


def commit(tree):
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message=state")


def lint(tree, *arguments):
    return subprocess.run([tree / "launch" / "lint.sh", *arguments], capture_output=True, text=True, timeout=100)


def test_good_tree(tree):
    done = lint(tree, "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("lint.sh: nothing wrong in 1 files")


@pytest.mark.parametrize(
    "name, text, finding",
    [
        ("src/data/a.cpp", '#include "causalfm/model/model.hpp"\n', "1: room 'data' may not include room 'model'"),
        ("src/evaluation/a.cpp", '#include "causalfm/simulation/a.hpp"\n', "1: room 'evaluation' may not include"),
        ("src/training/a.cpp", '#include "data/private.hpp"\n', "1: 'data/private.hpp' is private to room 'data'"),
        ("src/app/a.cpp", '\n#include "training/step.hpp"\n', "2: 'training/step.hpp' is private to room 'training'"),
        ("src/app/a.cpp", '#include "../data/b.hpp"\n', "1: '../data/b.hpp' climbs out of its folder"),
        ("src/cellar/a.cpp", '#include "causalfm/data/batch.hpp"\n', "1: room 'cellar' is not in launch/rooms.txt"),
        ("src/data/a.cpp", '#include "causalfm/everything.hpp"\n', "1: 'causalfm/everything.hpp' belongs to no room"),
        ("include/causalfm/philox.hpp", '#pragma once\n#include "causalfm/data/batch.hpp"\n', "2: a header of no room"),
        ("include/causalfm/data/a.hpp", "#pragma once\n#include <torch/torch.h>\n", "2: a public header includes"),
        ("include/causalfm/data/a.hpp", "#include <string>\n", "1: a header begins with #pragma once"),
        ("include/causalfm/data/a.hpp", "#pragma once\nusing namespace std;\n", "2: a header opens a namespace"),
        ("src/data/a.cpp", '\n\nconst char* a = std::getenv("A");\n', "3: only src/config reads the environment"),
        ("src/data/a.cpp", "\nvoid f() { std::exit(1); }\n", "2: only src/app ends the process"),
        ("src/data/a.cpp", "void f() {\n  g();\n  ::_exit(1);\n}\n", "3: only src/app ends the process"),
        ("src/data/a.cpp", "void f()\n{\n}\n", "1: is not formatted: run clang-format-14 -i src/data/a.cpp"),
    ],
)
def test_one_rule_broken(tree, name, text, finding):
    write(tree, name, text)
    done = lint(tree, "--quick")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{name}:{finding}") and len(lines) == 2, done.stdout


@pytest.mark.parametrize(
    "name, text",
    [
        ("src/training/a.cpp", '#include "causalfm/data/batch.hpp"\n#include "training/step.hpp"\n'),
        ("tests/data/a.cpp", '#include "causalfm/model/model.hpp"\n#include "simulation/draws.hpp"\n'),
        ("src/config/a.cpp", 'const char* a = std::getenv("A");\n'),
        ("src/app/a.cpp", "void f() { std::exit(1); }\n"),
        ("src/comm/a.cpp", "void f(Communicator& ranks) { ranks.abort(4); }\n"),
        ("src/data/a.cpp", '// getenv("A") and\n/* std::exit(1); */ const char* a = "getenv(A)";\n'),
        ("src/data/a.cpp", "constexpr int a = 1'000'000;  // 'std::exit(1);\n"),
        ("build/src/data/a.cpp", '#include "causalfm/model/model.hpp"\n'),
    ],
)
def test_nothing_wrong(tree, name, text):
    write(tree, name, text)
    done = lint(tree, "--quick")
    assert done.returncode == 0, done.stdout


def test_links_are_held_to_the_table(tree):
    write(tree, "src/data/CMakeLists.txt", "causalfm_room(data SOURCES a.cpp\n              USES config model)\n")
    done = lint(tree, "--quick")
    assert done.returncode == 1
    assert done.stdout.startswith("src/data/CMakeLists.txt:2: room 'data' may not link room 'model'")


def configure(tree, *names):
    """The compile commands of sources as GCC with a precompiled header leaves them."""
    write(tree, "build/cmake_pch.hxx", "#error clang-tidy cannot read what GCC precompiled\n")
    flags = f"-std=c++20 -Iinclude -Isrc -fpch-preprocess -Winvalid-pch -include {tree}/build/cmake_pch.hxx"
    entries = [
        {"directory": str(tree), "file": str(tree / name), "command": f"c++ {flags} -c {tree / name}"} for name in names
    ]
    write(tree, "build/compile_commands.json", json.dumps(entries))


BAD_NAME = "int BadName() { return 1; }\n"


def test_clang_tidy_sees_what_changed(tree):
    write(tree, "src/data/old.cpp", BAD_NAME)
    commit(tree)
    write(tree, "src/data/committed.cpp", BAD_NAME)
    commit(tree)
    write(tree, "src/data/fresh.cpp", BAD_NAME)
    configure(tree, "src/data/old.cpp", "src/data/committed.cpp", "src/data/fresh.cpp")
    done = lint(tree)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "src/data/committed.cpp:1: invalid case style for function 'BadName'" in done.stdout
    assert "src/data/fresh.cpp:1: invalid case style" in done.stdout
    assert "src/data/old.cpp" not in done.stdout
    assert "src/data/old.cpp:1:" in lint(tree, "--all").stdout


def test_clang_tidy_sees_a_header_through_a_source(tree):
    write(tree, "src/data/a.cpp", '#include "data/a.hpp"\n')
    commit(tree)
    write(tree, "src/data/a.hpp", "#pragma once\n\ninline int BadName() { return 1; }\n")
    configure(tree, "src/data/a.cpp")
    done = lint(tree)
    assert done.returncode == 1
    assert "src/data/a.hpp:3: invalid case style for function 'BadName'" in done.stdout


def test_commits_that_the_remote_has_are_not_looked_at(tree):
    write(tree, "src/data/old.cpp", BAD_NAME)
    commit(tree)
    git(tree, "update-ref", "refs/remotes/origin/main", "HEAD")
    write(tree, "src/data/mine.cpp", "int mine() { return 1; }\n")
    commit(tree)
    configure(tree, "src/data/old.cpp", "src/data/mine.cpp")
    done = lint(tree)
    assert done.returncode == 0, done.stdout
    assert "1 of them seen by clang-tidy" in done.stdout


def test_what_clang_cannot_read_of_the_library_is_no_finding(tree):
    source = (
        "#include <ranges>\n#include <vector>\n\n"
        "int last(const std::vector<int>& all) {\n"
        "  for (const int value : all | std::views::reverse) return value;\n"
        "  return 0;\n}\n"
    )
    write(tree, "src/data/a.cpp", source)
    write(tree, "src/data/b.cpp", "int b() { return missing; }\n")
    configure(tree, "src/data/a.cpp", "src/data/b.cpp")
    done = lint(tree)
    assert "src/data/b.cpp:1: use of undeclared identifier 'missing'" in done.stdout
    assert "src/data/a.cpp" not in done.stdout and "/usr/" not in done.stdout


def test_clang_tidy_needs_a_build(tree):
    write(tree, "src/data/a.cpp", "int a() { return 1; }\n")
    done = lint(tree)
    assert done.returncode == 2
    assert "clang-tidy needs a configured build, run launch/build.sh" in done.stderr
