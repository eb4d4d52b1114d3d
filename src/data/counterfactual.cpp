#include "causalfm/data/counterfactual.hpp"

#include "causalfm/data/error.hpp"
#include "causalfm/simulation/simulator.hpp"
#include "data/read_request.hpp"

#include <string>

namespace causalfm::data {

std::vector<float> noiseless_curves(const Source& source, std::span<const int64_t> rows,
                                    std::span<const int64_t> instruments) {
  const std::optional<config::Simulation>& settings = source.description().simulation;
  if (!settings) {
    throw DataError(source.description().place +
                    " was not simulated, so nobody knows what its stars look like through other instruments: ask for "
                    "swap errors of simulated data only");
  }
  check_request(source, rows, {});
  const ObservationTable& table = source.observations();
  std::vector<simulation::Observation> wanted;
  wanted.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    if (instruments[i] < 0 || instruments[i] >= settings->instruments) {
      throw DataError("instrument " + std::to_string(instruments[i]) + " was asked of " + source.description().place +
                      ", which has instruments 0 to " + std::to_string(settings->instruments - 1) +
                      ": ask for one of them");
    }
    wanted.push_back({table.star_id[rows[i]], static_cast<int32_t>(instruments[i]), table.observation_id[rows[i]]});
  }
  std::vector<double> flux(rows.size() * static_cast<size_t>(source.length()));
  simulation::Simulator(*settings).noiseless(wanted, flux);
  return {flux.begin(), flux.end()};
}

}  // namespace causalfm::data
