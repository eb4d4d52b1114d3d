#include "data/simulation_truth.hpp"

#include <cstddef>
#include <span>

namespace causalfm::data {
namespace {

/// A [rows, columns] array of doubles and the span of each of its rows.
class Table {
 public:
  Table(int64_t rows, int64_t columns)
      : columns_(static_cast<size_t>(columns)), array_(storage::ElementType::float64, {rows, columns}) {}

  std::span<double> row(int64_t index) {
    auto* elements = reinterpret_cast<double*>(array_.bytes().data());
    return {elements + static_cast<size_t>(index) * columns_, columns_};
  }

  storage::Array take() { return std::move(array_); }

 private:
  size_t columns_;
  storage::Array array_;
};

}  // namespace

bool is_of_instruments(const std::string& column) { return column == "truth/beta" || column == "truth/gamma"; }

std::vector<std::pair<std::string, storage::Array>> simulation_truth(const simulation::Simulator& simulator,
                                                                     const ObservationTable& table, int64_t first,
                                                                     int64_t count) {
  const config::Simulation& settings = simulator.settings();
  Table theta(count, settings.stellar_parameters);
  Table phase(count, settings.stellar_parameters - 1);
  for (int64_t row = 0; row < count; ++row) {
    const auto place = static_cast<size_t>(first + row);
    simulator.stellar_parameters(table.star_id[place], theta.row(row));
    simulator.phases(table.star_id[place], table.observation_id[place], phase.row(row));
  }
  Table beta(settings.instruments, settings.instrument_terms);
  Table gamma(settings.instruments, settings.instrument_terms);
  for (int64_t instrument = 0; instrument < settings.instruments; ++instrument) {
    simulator.instrument_parameters(static_cast<int32_t>(instrument), beta.row(instrument), gamma.row(instrument));
  }
  std::vector<std::pair<std::string, storage::Array>> truth;
  truth.emplace_back("truth/theta", theta.take());
  truth.emplace_back("truth/phase", phase.take());
  truth.emplace_back("truth/beta", beta.take());
  truth.emplace_back("truth/gamma", gamma.take());
  return truth;
}

}  // namespace causalfm::data
