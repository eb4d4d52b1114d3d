#include "causalfm/data/error.hpp"
#include "causalfm/data/source.hpp"

namespace causalfm::data {

Column Source::read_column(const std::string& name) const {
  throw DataError(description_.place + " has no column " + name + ": see docs/data-format.md for what data sets hold");
}

std::unique_ptr<Source> make_source(const config::Config& settings) {
  return settings.data.path ? open_shards(*settings.data.path) : make_simulated_source(settings.simulation);
}

std::optional<std::string> simulation_mismatch(const config::Config& settings, const Source& source) {
  const std::optional<config::Simulation>& simulated = source.description().simulation;
  if (!simulated || *simulated == settings.simulation) {
    return std::nullopt;
  }
  return "section simulation of the configuration differs from the settings that " + source.description().place +
         " was simulated with: the data set's own hold, the section is not used";
}

}  // namespace causalfm::data
