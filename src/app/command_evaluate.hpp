#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/evaluation/embed.hpp"
#include "causalfm/evaluation/evaluate.hpp"
#include "app/figures.hpp"
#include "app/job.hpp"

#include <optional>

namespace causalfm::app {

/// `causalfm embed`. `settings` are defaults with --set, of which comm and runtime count. Collective.
int embed_command(Job& job, const config::Config& settings, const evaluation::EmbedRequest& request);

/// `causalfm evaluate`: measures, then draws, if a program to draw is given. @throws ConfigError on several ranks.
int evaluate_command(Job& job, const config::Config& settings, const evaluation::EvaluateRequest& request,
                     const std::optional<FigureProgram>& figures);

}  // namespace causalfm::app
