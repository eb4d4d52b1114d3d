#!/usr/bin/env python3
"""Breaks the NCCL backend in one place after the other, and checks that its tests notice.

    nccl_mutations.py BUILD [NAME...]    BUILD: a folder of Ninja in which test_comm_nccl is up to date

Each defect is one text of one file replaced by another. The broken file alone is compiled and linked with the objects of
test_comm_nccl in a temporary folder, and the program must fail. Ends with 1 when a defect goes unnoticed.
"""

import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "comm"
PROGRAM = "tests/comm/test_comm_nccl"
LIBRARY = "src/comm/libcausalfm_comm.a"


@dataclass(frozen=True)
class Defect:
    name: str
    file: str
    text: str
    instead: str
    compiled: str = ""  # the source that sees it, where `file` is a header

    @property
    def source(self) -> str:
        return self.compiled or self.file


DEFECTS = (
    # A wait dropped.
    Defect("computation-not-waited-for", "nccl_exchange.cpp", "ready.hold_up(stream());", ""),
    Defect("result-not-waited-for", "nccl_exchange.cpp", "exposure_->hold_up(*done_);", ""),
    Defect("hold-up-without-wait", "device_exposure.cpp", "done.hold_up(stream);", ""),
    Defect("host-does-not-wait", "nccl_exchange.cpp", "while (!done_->has_passed())", "while (false)"),
    Defect("launch-not-waited-for", "nccl_connection.cpp", "while (!ends(state, wait))", "if (!ends(state, wait))"),
    Defect("end-not-waited-for", "nccl_watch.cpp", "while (in_flight() && !connection_->failed())", "while (false)"),
    # Two calls swapped.
    Defect(
        "wait-before-record",
        "nccl_exchange.cpp",
        "  ready.record(rank_.api.current_stream(rank_.device));\n  ready.hold_up(stream());",
        "  ready.hold_up(stream());\n  ready.record(rank_.api.current_stream(rank_.device));",
    ),
    Defect("destroyed-not-finalized", "nccl_connection.cpp", "api_.comm_finalize(communicator)", "api_.comm_destroy(communicator)"),
    Defect("send-for-receive", "nccl.cpp", "nccl_.receive(incoming", "nccl_.send(incoming"),
    Defect(
        "pack-after-the-collective",
        "nccl.cpp",
        "    exchange.begin();\n    if (!fits) exchange.copy(block, own, rows.bytes_of(rank_));",
        "    if (!fits) exchange.copy(block, own, rows.bytes_of(rank_));\n    exchange.begin();",
    ),
    # An abort skipped, or where there must be none.
    Defect("abort-skipped", "nccl_connection.cpp", "if (given_up != nullptr) api_.comm_abort(given_up);", ""),
    Defect("destroyed-after-an-error", "nccl_connection.cpp", "api_.comm_abort(given_up)", "api_.comm_destroy(given_up)"),
    Defect("aborted-twice", "nccl_connection.cpp", "given_up = std::exchange(communicator_, nullptr);", "given_up = communicator_;"),
    Defect("not-destroyed", "nccl_connection.cpp", "api_.comm_destroy(std::exchange(communicator_, nullptr))", "communicator_ = nullptr"),
    Defect("unwinding-not-noticed", "nccl.cpp", "std::uncaught_exceptions() > exceptions_at_start_", "false"),
    # A group left open.
    Defect("group-left-open", "nccl.cpp", "const ncclResult_t ended = nccl_.group_end();", "const ncclResult_t ended = ncclSuccess;"),
    Defect("group-left-open-after-an-error", "nccl.cpp", "const ncclResult_t ended = nccl_.group_end();",
           "if (is_error(result)) return result;\n    const ncclResult_t ended = nccl_.group_end();"),
    Defect("no-group", "nccl.cpp", "ncclResult_t result = nccl_.group_start();", "ncclResult_t result = ncclSuccess;"),
    # A wrong count, place or type.
    Defect("sum-of-too-few", "nccl.cpp", "nccl_.all_reduce(values, values, tensor.numel(),", "nccl_.all_reduce(values, values, tensor.numel() - 1,"),
    Defect("broadcast-of-bytes", "nccl.cpp", "nccl_.broadcast(values, values, tensor.numel(),", "nccl_.broadcast(values, values, tensor.nbytes(),"),
    Defect("gather-of-own-count", "nccl.cpp", "blocks, rows.block_elements(),", "blocks, slice.numel(),"),
    Defect("scatter-of-own-count", "nccl.cpp", "block, rows.block_elements(),", "block, slice.numel(),"),
    Defect("scatter-of-the-whole", "nccl.cpp", "rows.even() ? all : blocks, block", "all, block"),
    Defect("send-to-self", "nccl.cpp", "outgoing + peer * row_bytes", "outgoing"),
    Defect("rows-of-bytes", "padded_rows.hpp", "return largest_ * row_elements_;", "return largest_ * row_bytes_;", "nccl.cpp"),
    Defect("padding-to-the-first", "padded_rows.hpp", "largest_(*std::max_element(rows_.begin(), rows_.end()))", "largest_(rows_.front())", "nccl.cpp"),
    Defect("bools-added", "nccl.cpp", " || type == at::kBool", ""),
    Defect("minimum-for-maximum", "nccl.cpp", "return ncclMin;", "return ncclMax;"),
    Defect("int-for-long", "nccl.cpp", "return ncclInt64;", "return ncclInt32;"),
    # Memory.
    Defect("memory-let-go", "nccl_exchange.cpp", "rank_.watch.add({wait_, done, std::move(memory_)});", "rank_.watch.add({wait_, done, {}});"),
    Defect("memory-let-go-early", "nccl_watch.cpp", "flights_.front().done->has_passed()", "true"),
    Defect("memory-never-let-go", "nccl_watch.cpp", "flights_.front().done->has_passed()", "false"),
    Defect("scratch-not-kept", "nccl_exchange.cpp", "  memory_.push_back(tensor);\n", ""),
    # Events at the wrong time or place.
    Defect("done-on-the-wrong-stream", "nccl_exchange.cpp", "done->record(stream());", "done->record(rank_.api.current_stream(rank_.device));"),
    Defect("ready-on-the-wrong-stream", "nccl_exchange.cpp", "ready.record(rank_.api.current_stream(rank_.device));", "ready.record(stream());"),
    Defect(
        "done-before-the-copies",
        "nccl_exchange.cpp",
        """  for (const Detour& tensor : outbound_) {
    copy(bytes_of(tensor.pinned), bytes_of(tensor.device), static_cast<int64_t>(tensor.host.nbytes()));
    results.push_back({tensor.host, tensor.pinned});
  }
  std::shared_ptr<DeviceEvent> done = depart();
""",
        """  std::shared_ptr<DeviceEvent> done = depart();
  for (const Detour& tensor : outbound_) {
    copy(bytes_of(tensor.pinned), bytes_of(tensor.device), static_cast<int64_t>(tensor.host.nbytes()));
    results.push_back({tensor.host, tensor.pinned});
  }
""",
    ),
    Defect("exposure-measured-before-the-wait", "device_exposure.cpp", "  done.hold_up(stream);\n  wait.after->record(stream);", "  wait.after->record(stream);\n  done.hold_up(stream);"),
    Defect("exposure-measured-after-the-wait", "device_exposure.cpp", "  wait.before->record(stream);\n  done.hold_up(stream);", "  done.hold_up(stream);\n  wait.before->record(stream);"),
    Defect("exposure-not-added-up", "device_exposure.cpp", "must not keep an event for every wait of a long run.\n  seconds();", "\n"),
    # Failure.
    Defect("deadline-ignored", "nccl_connection.cpp", "Clock::now() - wait.since >= options_.deadline", "false"),
    Defect("error-ignored", "nccl_connection.cpp", "} else if (is_error(state)) {", "} else if (false) {"),
    Defect("failure-elsewhere-ignored", "nccl_connection.cpp", "if (elsewhere) {", "if (false) {"),
    Defect("nobody-watches", "nccl_watch.cpp", "connection_->examine(oldest());", ""),
    Defect("use-after-failure", "nccl_exchange.cpp", "  rank_.connection->check();\n}", "}"),
    Defect("wait-after-failure", "nccl_exchange.cpp", "    connection_->check();\n    exposure_", "    exposure_"),
    Defect("result-of-an-abort", "nccl_exchange.cpp", "    connection_->check();  // an abort lets events pass as well\n", ""),
    Defect(
        "state-without-lock",
        "nccl_connection.cpp",
        "  const std::lock_guard lock(mutex_);\n  if (communicator_ == nullptr) return",
        "  if (communicator_ == nullptr) return",
    ),
    Defect(
        "issue-without-lock",
        "nccl_connection.cpp",
        "    const std::lock_guard lock(mutex_);\n    if (failure_) std::rethrow_exception(failure_);\n    state",
        "    if (failure_) std::rethrow_exception(failure_);\n    state",
    ),
    Defect("start-not-aborted", "nccl_connection.cpp", "if (communicator_ != nullptr) api_.comm_abort(communicator_);", ""),
    Defect("watch-ends-silently", "nccl_watch.cpp", "    connection_->fail(std::current_exception());\n", ""),
    Defect("watch-without-device", "nccl_watch.cpp", "    api_.use(device_);\n", ""),
    Defect("start-without-device", "nccl.cpp", "  api.use(device);\n", ""),
    Defect("root-is-0", "nccl.cpp", "static_cast<int>(root)", "0"),
    Defect("sum-of-nothing", "nccl.cpp", "if (tensor.numel() == 0) return {};\n    NcclExchange exchange = begin_exchange(call);\n    std::byte* const values = exchange.input_output(tensor);\n    exchange.begin();\n    exchange.issue([&](ncclComm_t communicator) {\n      return nccl_.all_reduce", "NcclExchange exchange = begin_exchange(call);\n    std::byte* const values = exchange.input_output(tensor);\n    exchange.begin();\n    exchange.issue([&](ncclComm_t communicator) {\n      return nccl_.all_reduce"),
    Defect("blocking", "nccl_connection.cpp", "config.blocking = 0;", "config.blocking = 1;"),
    Defect("silent-without-an-id", "nccl.cpp", "if (bytes[0] != ncclSuccess)", "if (false)"),
)


def command_for(build: Path, target: str) -> list[str]:
    output = subprocess.run(["ninja", "-C", build, "-t", "commands", target], check=True, capture_output=True, text=True)
    command = output.stdout.splitlines()[-1]
    return shlex.split(command.removeprefix(": && ").removesuffix(" && :"))


def compile_mutant(build: Path, defect: Defect, folder: Path) -> Path:
    text = SOURCE.joinpath(defect.file).read_text()
    if text.count(defect.text) != 1:
        sys.exit(f"{defect.name}: {defect.file} has {text.count(defect.text)} times, not once: {defect.text!r}")
    if defect.compiled:
        folder.joinpath(defect.compiled).write_text(SOURCE.joinpath(defect.compiled).read_text())
    folder.joinpath(defect.file).write_text(text.replace(defect.text, defect.instead))
    mutant = folder / "mutant.o"
    command = command_for(build, f"src/comm/CMakeFiles/causalfm_comm.dir/{defect.source}.o")
    command[command.index("-o") + 1] = str(mutant)
    command[command.index("-c") + 1] = str(folder / defect.source)
    command[command.index("-MF") + 1] = str(folder / "mutant.d")
    subprocess.run([*command, f"-I{SOURCE}", "-w"], cwd=build, check=True)
    return mutant


def link_mutant(build: Path, mutant: Path) -> Path:
    command = command_for(build, PROGRAM)
    program = mutant.with_name("mutant")
    command[command.index("-o") + 1] = str(program)
    command.insert(command.index(LIBRARY), str(mutant))
    subprocess.run(command, cwd=build, check=True)
    return program


def first_complaint(output: str) -> str:
    lines = output.splitlines()
    failed = next((line for line in lines if line.startswith("[  FAILED  ]")), "")
    return failed or next((line for line in reversed(lines) if line.strip()), "no word")


def is_noticed(build: Path, defect: Defect) -> bool:
    with tempfile.TemporaryDirectory() as name:
        program = link_mutant(build, compile_mutant(build, defect, Path(name)))
        run = subprocess.run([program, "--gtest_fail_fast"], capture_output=True, text=True, errors="replace")
    noticed = run.returncode != 0
    print(f"{defect.name}: {first_complaint(run.stdout + run.stderr) if noticed else 'NOT NOTICED'}", flush=True)
    return noticed


def main() -> None:
    build = Path(sys.argv[1]).resolve()
    chosen = [defect for defect in DEFECTS if not sys.argv[2:] or defect.name in sys.argv[2:]]
    unnoticed = [defect.name for defect in chosen if not is_noticed(build, defect)]
    print(f"{len(chosen) - len(unnoticed)} of {len(chosen)} defects noticed")
    sys.exit(1 if unnoticed or not chosen else 0)


if __name__ == "__main__":
    main()
