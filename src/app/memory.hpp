#pragma once

namespace causalfm::app {

/// From here on the process keeps what it frees for its next step instead of returning it to the system, which would
/// have to clear and map the same pages anew every step, for a time that differs between ranks (docs/decisions.md).
/// Blocks above 32 MiB still come and go (the most that the C library lets us set).
void keep_freed_memory();

}  // namespace causalfm::app
