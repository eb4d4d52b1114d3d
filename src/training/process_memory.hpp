#pragma once

#include <cstdint>
#include <filesystem>

namespace causalfm::training {

/// Returns to the system what this process has freed and lets peak_resident_bytes() count anew.
void forget_past_memory();

/// What this process has freed and its C library keeps for it, in bytes, resident or not.
double freed_bytes();

/// Most memory that this process has held at once so far, in bytes (VmHWM of /proc/self/status); 0 where unknown.
double peak_resident_bytes();

/// How much memory this process may come to hold, in bytes: what it holds, and its share of what the machine and every
/// control group that it belongs to (version 1 or 2) have left if as many as `processes` divide that up; but no more
/// than its own address space (ulimit -v) takes beside what its threads reserve. Pages that only repeat a file count as
/// left.
/// @param freed freed_bytes(), after forget_past_memory() or where little has been freed: addresses that are taken and
///              yet free.
/// @param root where proc and sys are, for tests.
double attainable_bytes(int64_t processes, double freed, const std::filesystem::path& root = "/");

}  // namespace causalfm::training
