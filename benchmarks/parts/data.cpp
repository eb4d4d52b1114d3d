#include "causalfm/data/dataset_writer.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/data/sampler.hpp"
#include "causalfm/data/source.hpp"
#include "causalfm/simulation/simulator.hpp"
#include "storage/temporary_folder.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "parts.hpp"

namespace causalfm::benchmark {
namespace {

using ::benchmark::State;

std::unique_ptr<data::Sampler> training_sampler(const data::Source& source) {
  return data::make_sampler(config::Config{}, source, data::Split::train);
}

int64_t rows_of_a_batch(const data::Sampler& sampler) { return sampler.batch_triplets() * sampler.rows_per_anchor(); }

/// Batches of the training order.
void sampler(State& state) {
  const std::unique_ptr<data::Source> source = data::make_simulated_source({});
  const std::unique_ptr<data::Sampler> sampler = training_sampler(*source);
  int64_t step = 0;
  for (auto _ : state) ::benchmark::DoNotOptimize(sampler->batch(step++));
  state.SetItemsProcessed(state.iterations() * rows_of_a_batch(*sampler));
}

/// Curves of neighbouring observations, in one call.
void simulator(State& state) {
  const simulation::Simulator simulator{config::Simulation{}};
  std::vector<simulation::Observation> observations;
  for (int64_t id = 0; id < 1024; ++id) observations.push_back(simulator.observation(id));
  std::vector<float> flux(observations.size() * static_cast<size_t>(simulator.settings().length));
  for (auto _ : state) simulator.light_curves(observations, flux);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(observations.size()));
}

/// Batches from a source, in the training order, as the loader's thread reads them.
void read_batches(State& state, const data::Source& source) {
  const std::unique_ptr<data::Sampler> sampler = training_sampler(source);
  int64_t step = 0;
  for (auto _ : state) {
    ::benchmark::DoNotOptimize(data::load(source, sampler->batch(step), sampler->rows_per_anchor(), 0, 1, step));
    ++step;
  }
  state.SetItemsProcessed(state.iterations() * rows_of_a_batch(*sampler));
}

void simulated_batches(State& state) { read_batches(state, *data::make_simulated_source({})); }

/// @param cache_bytes 0: every curve is read from its file
void stored_batches(State& state, int64_t cache_bytes) {
  const storage::TemporaryFolder folder;
  data::write_simulated_dataset(*storage::make_real_file_system(), {}, folder.path(), 0, 1, [] {});
  read_batches(state, *data::open_shards(folder.path(), cache_bytes));
}

}  // namespace

void register_data() {
  ::benchmark::RegisterBenchmark("sampler", sampler)->Unit(::benchmark::kMillisecond);
  ::benchmark::RegisterBenchmark("simulator", simulator)->Unit(::benchmark::kMillisecond);
  ::benchmark::RegisterBenchmark("batches/simulated", simulated_batches)->Unit(::benchmark::kMillisecond);
  ::benchmark::RegisterBenchmark("batches/in_memory", stored_batches, int64_t{2} << 30)
      ->Unit(::benchmark::kMillisecond);
  ::benchmark::RegisterBenchmark("batches/from_disk", stored_batches, int64_t{0})->Unit(::benchmark::kMillisecond);
}

}  // namespace causalfm::benchmark
