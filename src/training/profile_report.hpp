#pragma once

#include "training/profile.hpp"

#include <string>
#include <vector>

namespace causalfm::training {

/// Spans as one line of text, and back: how ranks exchange them.
std::string to_text(const std::vector<Span>& spans);
std::vector<Span> to_spans(const std::string& text);

/// profile.json: trace events as Chrome and Perfetto read them, a process for each rank.
/// @param ranks what each rank measured; likewise below
std::string trace_events(const std::vector<std::vector<Span>>& ranks);

/// profile.md: means over the profiled steps, phase by phase and sublayer by sublayer of rank 0, and phase by phase of
/// every rank.
std::string profile_tables(const std::vector<std::vector<Span>>& ranks);

}  // namespace causalfm::training
