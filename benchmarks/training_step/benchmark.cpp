#include "causalfm/config/load.hpp"
#include "app/job.hpp"
#include "app/memory.hpp"
#include "app/training_host.hpp"
#include "dump.hpp"
#include "random_step.hpp"
#include "stopwatch.hpp"
#include "training/assembly.hpp"
#include "training/step.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace causalfm::benchmark {
namespace {

struct Request {
  std::string config;
  std::vector<std::string> overrides;
  RandomBatch batch;
  std::filesystem::path file;
  bool inputs_only = false;
};

/// What a run computes with, as the program `causalfm` has it.
class Bench {
 public:
  Bench(app::Job& job, const Request& request)
      : settings_(config::load(request.config, request.overrides)),
        host_(job, settings_, [] { return false; }),
        model_(training::make_model(settings_, scale_of(settings_), host().device)),
        optimizer_(model_.parameters(), settings_.train),
        step_(settings_, model_, optimizer_, host().communicator, host().device),
        loaded_(random_step(settings_, request.batch, host().communicator.rank(), host().communicator.world_size())) {}

  void train() {
    const training::Step::Backward backward = step_.backward(loaded_);
    step_.update(loaded_.step, backward.gradient_norm);
    ++loaded_.step;
  }

  void embed() const {
    const at::NoGradGuard no_grad;
    model_.encode(training::to_curves(loaded_.batch, training::dtype_of(settings_.train.precision), host().device));
  }

  void write(const Request& request) {
    if (request.inputs_only) {
      dump(settings_, model_, loaded_, nullptr, request.file, host());
    } else {
      const training::Step::Backward backward = step_.backward(loaded_);
      dump(settings_, model_, loaded_, &backward, request.file, host());
    }
  }

  const training::Host& host() const { return host_.host(); }

 private:
  config::Config settings_;
  app::TrainingHost host_;
  model::CausalModel model_;
  training::Adam optimizer_;
  training::Step step_;
  data::LoadedStep loaded_;
};

/// N of the next "run N" on standard input; 0 at its end. No rank waits for another here, as it would do in a loop
/// while someone else is measured: every rank is to be asked.
int64_t next_request() {
  std::string verb;
  int64_t count = 0;
  return std::cin >> verb >> count && verb == "run" ? count : 0;
}

/// Answers on rank 0 every "run N" with the seconds that N calls of `work` took, on the clock and of its processors.
void serve(int64_t rank, const std::function<void()>& work) {
  while (const int64_t count = next_request()) {
    const Stopwatch watch;
    for (int64_t i = 0; i < count; ++i) work();
    const Seconds taken = watch.read();
    if (rank != 0) continue;
    std::printf("%.6f %.6f\n", taken.wall, taken.processor);
    std::fflush(stdout);
  }
}

CLI::App* add_command(CLI::App& app, const char* name, const char* sentence, Request& request) {
  CLI::App* command = app.add_subcommand(name, sentence);
  command->add_option("--config", request.config, "YAML file; without: the defaults");
  command->add_option("--set", request.overrides, "key=value, as for causalfm")->allow_extra_args(false);
  command->add_option("--batch-seed", request.batch.seed)->capture_default_str();
  command->add_flag("--masked", request.batch.masked, "some 10 % of every curve is missing");
  return command;
}

int run(app::Job& job, int count, char** arguments) {
  Request request;
  CLI::App app("The whole training step on curves of noise: answers every line \"run N\" with the seconds of N.");
  app.require_subcommand(1);
  const CLI::App* time = add_command(app, "time", "training steps, dropout and optimizer included", request);
  const CLI::App* embed = add_command(app, "embed", "latents of the batch, without gradients", request);
  CLI::App* write = add_command(app, "dump", "writes a batch, weights and what a step computes of them", request);
  write->add_option("file", request.file, "HDF5")->required();
  write->add_flag("--inputs-only", request.inputs_only, "batch and weights alone");
  CLI11_PARSE(app, count, arguments);

  job.log().set_level(spdlog::level::warn);  // standard output belongs to the answers
  Bench bench(job, request);
  if (time->parsed()) serve(job.rank(), [&] { bench.train(); });
  if (embed->parsed()) serve(job.rank(), [&] { bench.embed(); });
  if (write->parsed()) bench.write(request);
  return 0;
}

}  // namespace
}  // namespace causalfm::benchmark

int main(int count, char** arguments) {
  using namespace causalfm;
  constexpr double deadline_seconds = 3600;  // a rank is silent while someone else is measured
  app::keep_freed_memory();
  app::Job job(deadline_seconds);
  return job.run([&] { return benchmark::run(job, count, arguments); });
}
