#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include "parts.hpp"

int main(int count, char** arguments) {
  at::set_num_threads(1);
  causalfm::benchmark::register_sublayers();
  causalfm::benchmark::register_updates();
  causalfm::benchmark::register_data();
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
