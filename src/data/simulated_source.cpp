#include "causalfm/config/load.hpp"
#include "causalfm/data/error.hpp"
#include "causalfm/data/source.hpp"
#include "causalfm/simulation/simulator.hpp"
#include "causalfm/storage/checksum.hpp"
#include "data/read_request.hpp"
#include "data/simulation_truth.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <utility>

namespace causalfm::data {
namespace {

SourceDescription describe(const config::Simulation& settings) {
  SourceDescription description;
  description.place = "the simulation";
  description.identity = simulation_identity(settings);
  description.length = settings.length;
  description.stars = settings.stars;
  description.catalogue = "simulation";
  description.time_system = "steps";
  description.flux_unit = "arbitrary";
  for (int64_t id = 0; id < settings.instruments; ++id) {
    description.instruments.push_back(
        {id, "instrument-" + std::to_string(id), "{\"simulated\": " + std::to_string(id) + "}", 0});
  }
  description.shared_time.resize(static_cast<size_t>(settings.length));
  std::iota(description.shared_time.begin(), description.shared_time.end(), 0.0F);
  description.simulation = settings;
  return description;
}

class SimulatedSource : public Source {
 public:
  explicit SimulatedSource(const config::Simulation& settings) : simulator_(settings) {
    description_ = describe(settings);
    const int64_t rows = simulator_.observation_count();
    observations_.star_id.reserve(static_cast<size_t>(rows));
    observations_.instrument_id.reserve(static_cast<size_t>(rows));
    observations_.observation_id.resize(static_cast<size_t>(rows));
    std::iota(observations_.observation_id.begin(), observations_.observation_id.end(), int64_t{0});
    for (int64_t star = 0; star < settings.stars; ++star) {
      for (const int32_t instrument : simulator_.instruments_of_star(star)) {
        observations_.star_id.push_back(star);
        observations_.instrument_id.push_back(instrument);
        ++description_.instruments[instrument].rows;
      }
    }
  }

  void read(std::span<const int64_t> rows, const CurveBuffers& buffers) const override {
    check_request(*this, rows, buffers);
    if (!buffers.flux.empty()) {
      std::vector<simulation::Observation> wanted;
      wanted.reserve(rows.size());
      for (const int64_t row : rows) {
        wanted.push_back(
            {observations_.star_id[row], observations_.instrument_id[row], observations_.observation_id[row]});
      }
      simulator_.light_curves(wanted, buffers.flux);
    }
    if (!buffers.time.empty()) {
      repeat_rows<float>(description_.shared_time, buffers.time);
    }
    std::fill(buffers.mask.begin(), buffers.mask.end(), uint8_t{1});
  }

  std::vector<std::string> columns() const override {
    return {"truth/beta", "truth/gamma", "truth/phase", "truth/theta"};
  }

  Column read_column(const std::string& name) const override {
    for (auto& [column, array] : simulation_truth(simulator_, observations_, 0, rows())) {
      if (column == name) return std::move(array);
    }
    return Source::read_column(name);
  }

 private:
  simulation::Simulator simulator_;
};

}  // namespace

std::string simulation_identity(const config::Simulation& settings) {
  // A change of what the simulator makes of equal settings must change the first line.
  const std::string text = "causalfm simulation 1\n" + config::to_json(settings) + "\n";
  return storage::sha256_hex(std::as_bytes(std::span(text)));
}

std::unique_ptr<Source> make_simulated_source(const config::Simulation& settings) {
  return std::make_unique<SimulatedSource>(settings);
}

}  // namespace causalfm::data
