#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace causalfm::sweep {

/// A program to run, with its output at the end of a file.
struct Command {
  std::vector<std::string> arguments;      ///< the program first
  std::vector<std::string> environment{};  ///< "NAME=value", beside what this process has
  std::filesystem::path output;
};

/// How a command ended: its code, or 128 and the number of the signal that ended it, as a shell tells it.
struct Ended {
  int code = 0;
  std::string sentence;  ///< what it said after "causalfm: ", or why it could not start
};

/// Divides the cores that this process may use among `jobs` at a time: core numbers of each, at least one. With more
/// jobs than cores some share one.
std::vector<std::vector<int>> divide_cores(int64_t jobs);

/// Runs a command on these cores (none: on all) and waits for it. Once `stop` is set it is sent SIGTERM, once, and
/// still waited for. It has a process group of its own, so that a terminal's Ctrl-C reaches it through `stop` alone,
/// and is sent SIGTERM when the calling thread dies.
Ended run_command(const Command& command, const std::vector<int>& cores, const std::atomic<bool>& stop);

/// Calls `work(task, cores)` for tasks 0 … count-1 in order, `jobs` at a time, each on cores of its own, until all are
/// done or `stop` is set. What a call throws stops the others and is thrown when they have ended.
void for_each_task(int64_t count, int64_t jobs, std::atomic<bool>& stop,
                   const std::function<void(int64_t task, const std::vector<int>& cores)>& work);

}  // namespace causalfm::sweep
