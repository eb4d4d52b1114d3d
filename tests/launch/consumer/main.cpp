// Trains four steps into the folder given as argument, with nothing but installed headers.
#include <causalfm/comm/backends.hpp>
#include <causalfm/config/load.hpp>
#include <causalfm/training/train.hpp>
#include <spdlog/logger.h>

#include <iostream>

int main(int, char** arguments) {
  using namespace causalfm;
  const config::Config settings = config::parse(
      "{simulation: {stars: 40}, loss: {temperature: 0.5}, model: {encoder: mlp}, train: {steps: 4, "
      "validation_triplets: 8}}",
      "consumer");
  const auto communicator = comm::make_single();
  const auto file_system = storage::make_real_file_system();
  spdlog::logger log("consumer");
  const training::Host host{*communicator,       *file_system, log, nullptr, c10::kCPU, 1, "unknown", {},
                            [] { return false; }};
  std::cout << run::to_string(training::train({settings, arguments[1]}, host)) << '\n';
}
