#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "causalfm/comm/backends.hpp"
#include "causalfm/loss/info_nce.hpp"
#include "loss/tile_kernels.hpp"
#include "products.hpp"
#include "stopwatch.hpp"

namespace causalfm::benchmark {
namespace {

struct Settings {
  int64_t rows = 65536;
  int64_t width = 64;
  std::string type = "float32";
  int threads = 0;
  int repetitions = 5;
  double temperature = 0.1;
};

/// One evaluation of one space, every row an anchor.
struct Run {
  Seconds products;
  Seconds forward;
  Seconds backward;

  double ratio() const { return (forward + backward).wall / products.wall; }
  double processor_ratio() const { return (forward + backward).processor / products.processor; }
};

double resident_mb() {
  int64_t pages = 0;
  int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / 1e6;
}

double peak_resident_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

Run measure(const at::Tensor& projection, const Settings& settings, const ProductTiles& tiles) {
  const int64_t rows = settings.rows;
  const loss::ContrastLabels labels{at::arange(rows, at::kLong).floor_divide(3),
                                    at::arange(rows, at::kLong).remainder(17), at::Tensor(),
                                    at::ones({rows}, at::kBool)};
  Run run;
  const Stopwatch of_products;
  multiply(projection.detach(), tiles);
  run.products = of_products.read();
  const auto communicator = comm::make_single();
  projection.mutable_grad() = at::Tensor();
  const Stopwatch of_forward;
  const at::Tensor share =
      loss::info_nce(projection, labels, {rows}, {settings.temperature, /*positives_inside_log=*/true}, *communicator);
  run.forward = of_forward.read();
  const Stopwatch of_backward;
  share.backward();
  run.backward = of_backward.read();
  return run;
}

template <class Figure>
void print_row(const char* name, const std::vector<Run>& runs, const char* format, const Figure& figure) {
  std::vector<double> values;
  std::transform(runs.begin(), runs.end(), std::back_inserter(values), figure);
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  std::printf("| %s |", name);
  for (const double value : {median, values.front(), values.back()}) std::printf(format, value);
  std::printf("\n");
}

void print(const Settings& settings, const ProductTiles& tiles, const std::vector<Run>& runs) {
  std::printf("\nInfoNCE, %ld anchors = keys of width %ld, %s, one space, loss and both gradients; %d threads, %s\n\n",
              settings.rows, settings.width, settings.type.c_str(), at::get_num_threads(),
              loss::supported_tile_kernels().front()->instruction_set);
  std::printf("| seconds, %zu repetitions in turn | median | least | most |\n|---|---|---|---|\n", runs.size());
  print_row("four products by at::mm_out", runs, " %.2f |", [](const Run& run) { return run.products.wall; });
  print_row("info_nce, forward", runs, " %.2f |", [](const Run& run) { return run.forward.wall; });
  print_row("info_nce, backward", runs, " %.2f |", [](const Run& run) { return run.backward.wall; });
  print_row("**(forward + backward) / products**", runs, " %.2f |", [](const Run& run) { return run.ratio(); });
  print_row("the same of processor time", runs, " %.2f |", [](const Run& run) { return run.processor_ratio(); });
  std::printf("\nThe products are those of tiles of %ld x %ld, the fastest of 9 ways tried, %s.\n", tiles.anchors,
              tiles.keys, tiles.thread_takes_tile ? "each thread its own tiles" : "threads sharing each product");
}

int run(int count, char** arguments) {
  const double resident_at_start = resident_mb();
  Settings settings;
  CLI::App app("Times InfoNCE against the matrix products it cannot do without.");
  app.add_option("--rows", settings.rows, "anchors = keys")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--width", settings.width, "of a projection")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--dtype", settings.type)->check(CLI::IsMember({"float32", "float64"}))->capture_default_str();
  app.add_option("--threads", settings.threads, "0: as ATen chooses")->capture_default_str();
  app.add_option("--repetitions", settings.repetitions)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--temperature", settings.temperature)->check(CLI::PositiveNumber)->capture_default_str();
  CLI11_PARSE(app, count, arguments);
  if (settings.threads > 0) at::set_num_threads(settings.threads);

  const at::ScalarType type = settings.type == "float32" ? at::kFloat : at::kDouble;
  const at::Tensor projection = at::randn({settings.rows, settings.width}, type).requires_grad_(true);
  const ProductTiles tiles = fastest_tiles(projection.detach());
  std::vector<Run> runs;
  for (int repetition = 0; repetition < settings.repetitions; ++repetition) {
    runs.push_back(measure(projection, settings, tiles));
    std::fprintf(stderr, "repetition %d of %d: ratio %.2f\n", repetition + 1, settings.repetitions,
                 runs.back().ratio());
  }
  print(settings, tiles, runs);
  std::printf("Resident memory: %.0f MB at the start of main, %.0f MB at its peak.\n", resident_at_start,
              peak_resident_mb());
  return 0;
}

}  // namespace
}  // namespace causalfm::benchmark

int main(int count, char** arguments) { return causalfm::benchmark::run(count, arguments); }
