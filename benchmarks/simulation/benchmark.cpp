// benchmark_simulation time        processor seconds of one simulation of the default universe, on one thread
// benchmark_simulation dump DIR    its truth and curves as raw arrays in native byte order, for compare.py

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "causalfm/simulation/simulator.hpp"

namespace {

using causalfm::config::Simulation;
using causalfm::simulation::Observation;
using causalfm::simulation::Simulator;

std::vector<Observation> all_observations(const Simulator& simulator) {
  std::vector<Observation> observations;
  for (int64_t star = 0; star < simulator.settings().stars; ++star) {
    for (const int32_t instrument : simulator.instruments_of_star(star)) {
      observations.push_back({star, instrument, static_cast<int64_t>(observations.size())});
    }
  }
  return observations;
}

/// From settings to light curves: parameters, assignment, instruments' terms, curves and noise.
double seconds_of_a_simulation(std::vector<float>& flux) {
  const std::clock_t start = std::clock();
  const Simulator simulator{Simulation{}};
  simulator.light_curves(all_observations(simulator), flux);
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

void time_simulation() {
  std::vector<float> flux(static_cast<size_t>(Simulator{Simulation{}}.observation_count() * Simulation{}.length));
  seconds_of_a_simulation(flux);  // the first pays for the pages of flux
  std::printf("%.6f\n", seconds_of_a_simulation(flux));
}

template <class Value>
void write(const std::filesystem::path& path, const std::vector<Value>& values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(Value)));
  if (!file.flush()) {
    throw std::runtime_error("cannot write " + path.string() + "; choose a folder that exists and has room");
  }
}

void dump(const std::filesystem::path& folder) {
  const Simulator simulator{Simulation{}};
  const Simulation& settings = simulator.settings();
  const std::vector<Observation> observations = all_observations(simulator);
  const auto rows = observations.size();
  const auto parameters = static_cast<size_t>(settings.stellar_parameters);
  const auto terms = static_cast<size_t>(settings.instrument_terms);
  std::vector<int32_t> instruments;
  std::vector<double> theta(rows * parameters);
  std::vector<double> phi(rows * (parameters - 1));
  for (const Observation& row : observations) {
    const auto index = static_cast<size_t>(row.observation);
    instruments.push_back(row.instrument);
    simulator.stellar_parameters(row.star, std::span(theta).subspan(index * parameters, parameters));
    simulator.phases(row.star, row.observation, std::span(phi).subspan(index * (parameters - 1), parameters - 1));
  }
  std::vector<double> beta(static_cast<size_t>(settings.instruments) * terms);
  std::vector<double> gamma(beta.size());
  for (int32_t instrument = 0; instrument < settings.instruments; ++instrument) {
    const size_t first = static_cast<size_t>(instrument) * terms;
    simulator.instrument_parameters(instrument, std::span(beta).subspan(first, terms),
                                    std::span(gamma).subspan(first, terms));
  }
  std::vector<double> noiseless(rows * static_cast<size_t>(settings.length));
  std::vector<float> flux(noiseless.size());
  simulator.noiseless(observations, noiseless);
  simulator.light_curves(observations, flux);
  write(folder / "instrument.i4", instruments);
  write(folder / "theta.f8", theta);
  write(folder / "phi.f8", phi);
  write(folder / "beta.f8", beta);
  write(folder / "gamma.f8", gamma);
  write(folder / "noiseless.f8", noiseless);
  write(folder / "flux.f4", flux);
}

}  // namespace

int main(int count, char** arguments) try {
  const std::string command = count > 1 ? arguments[1] : "";
  if (command == "time" && count == 2) {
    time_simulation();
  } else if (command == "dump" && count == 3) {
    dump(arguments[2]);
  } else {
    std::cerr << "usage: benchmark_simulation time | dump DIR\n";
    return 2;
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
