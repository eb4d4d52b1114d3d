#include "app/command_evaluate.hpp"

#include "causalfm/config/error.hpp"
#include "app/exit_code.hpp"
#include "app/training_host.hpp"

namespace causalfm::app {

namespace {

evaluation::Host evaluation_host(const TrainingHost& host, const config::Config& settings) {
  return {host.host().communicator, host.host().file_system, host.host().log, host.host().device,
          settings.runtime.kernels};
}

}  // namespace

int embed_command(Job& job, const config::Config& settings, const evaluation::EmbedRequest& request) {
  const TrainingHost host(job, settings, [] { return false; });
  evaluation::embed(request, evaluation_host(host, settings));
  return static_cast<int>(ExitCode::done);
}

int evaluate_command(Job& job, const config::Config& settings, const evaluation::EvaluateRequest& request,
                     const std::optional<FigureProgram>& figures) {
  if (job.world_size() > 1) {
    throw config::ConfigError(
        "evaluate runs on one rank: start it without mpirun; `causalfm embed` is what many ranks share, and its files "
        "are taken by --embeddings");
  }
  const TrainingHost host(job, settings, [] { return false; });
  evaluation::evaluate(request, evaluation_host(host, settings));
  if (figures) draw_figures(*figures, request.out, job.log());
  return static_cast<int>(ExitCode::done);
}

}  // namespace causalfm::app
