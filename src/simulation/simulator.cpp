#include "causalfm/simulation/simulator.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <string_view>
#include <utility>

#include "causalfm/simulation/error.hpp"
#include "simulation/assignment.hpp"
#include "simulation/kernels.hpp"

namespace causalfm::simulation {
namespace {

constexpr double instrument_strength = 0.05;  // Eqs. 3 and 4

void require_count(std::string_view name, int64_t value, int64_t largest) {
  if (value < 1 || value > largest) {
    throw SimulationError("simulation." + std::string(name) + " is " + std::to_string(value) +
                          "; it must be from 1 to " + std::to_string(largest));
  }
}

void require_number(std::string_view name, bool allowed, double value) {
  if (!allowed || !std::isfinite(value)) {
    throw SimulationError("simulation." + std::string(name) + " is " + std::to_string(value) +
                          "; it must be finite, lambda above 0, period_scatter and noise not below 0");
  }
}

void require_universe(const config::Simulation& settings) {
  constexpr int64_t largest = std::numeric_limits<int32_t>::max();
  require_count("curves_per_star", settings.curves_per_star, largest);
  require_count("stars", settings.stars, std::numeric_limits<int64_t>::max() / settings.curves_per_star);
  require_count("instruments", settings.instruments, largest);
  require_count("stellar_parameters", settings.stellar_parameters, largest);
  require_count("instrument_terms", settings.instrument_terms, largest);
  require_count("length", settings.length, largest);
  require_number("alpha", true, settings.alpha);
  require_number("lambda", settings.lambda > 0.0, settings.lambda);
  require_number("period_scatter", settings.period_scatter >= 0.0, settings.period_scatter);
  require_number("noise", settings.noise >= 0.0, settings.noise);
}

void require_range(std::string_view what, int64_t id, int64_t count) {
  if (id < 0 || id >= count) {
    throw SimulationError(std::string(what) + ' ' + std::to_string(id) + " is not in this universe, which has " +
                          std::to_string(count) + "; ask for 0 to " + std::to_string(count - 1));
  }
}

void require_size(std::string_view what, size_t given, int64_t needed) {
  if (given != static_cast<size_t>(needed)) {
    throw SimulationError("the buffer for " + std::string(what) + " holds " + std::to_string(given) +
                          " numbers; pass " + std::to_string(needed));
  }
}

std::vector<double> padded_buffer(int64_t count) { return std::vector<double>(static_cast<size_t>(padded(count))); }

}  // namespace

/// The working memory of one call, reused from curve to curve.
struct Simulator::Scratch {
  explicit Scratch(const config::Simulation& settings)
      : theta(padded_buffer(settings.stellar_parameters)),
        turns(padded_buffer(settings.stellar_parameters)),
        real(padded_buffer(settings.stellar_parameters)),
        imaginary(padded_buffer(settings.stellar_parameters)),
        clean(padded_buffer(settings.length)),
        noise(padded_buffer(settings.length)) {}

  std::vector<double> theta, turns, real, imaginary, clean, noise;
};

Simulator::Simulator(const config::Simulation& settings) : settings_(settings), kernels_(supported_kernels().front()) {
  require_universe(settings_);
  harmonic_amplitudes_ = padded_buffer(settings_.stellar_parameters);
  kernels_->powers(-settings_.alpha, settings_.stellar_parameters, harmonic_amplitudes_.data());
  const int64_t stride = padded(settings_.length);
  scale_.resize(static_cast<size_t>(settings_.instruments * stride));
  offset_.resize(scale_.size());
  for (int64_t instrument = 0; instrument < settings_.instruments; ++instrument) {
    instrument_term(RandomStream::instrument_scale, instrument, 1.0, scale_.data() + instrument * stride);
    instrument_term(RandomStream::instrument_offset, instrument, 0.0, offset_.data() + instrument * stride);
  }
}

Observation Simulator::observation(int64_t observation_id) const {
  require_range("observation", observation_id, observation_count());
  const int64_t star = observation_id / settings_.curves_per_star;
  const std::vector<int32_t> instruments = assign_instruments(settings_, star);
  return {star, instruments[static_cast<size_t>(observation_id % settings_.curves_per_star)], observation_id};
}

std::vector<int32_t> Simulator::instruments_of_star(int64_t star) const {
  require_range("star", star, settings_.stars);
  return assign_instruments(settings_, star);
}

void Simulator::light_curves(std::span<const Observation> observations, std::span<float> flux) const {
  const int64_t length = settings_.length;
  require_size("flux", flux.size(), static_cast<int64_t>(observations.size()) * length);
  Scratch scratch(settings_);
  float* row = flux.data();
  for (const Observation& observation : observations) {
    simulate_clean(observation, scratch);
    kernels_->normals(key(RandomStream::noise), static_cast<uint64_t>(observation.observation), length,
                      scratch.noise.data());
    kernels_->add_noise(scratch.clean.data(), scratch.noise.data(), settings_.noise, length, row);
    row += length;
  }
}

void Simulator::noiseless(std::span<const Observation> observations, std::span<double> flux) const {
  const int64_t length = settings_.length;
  require_size("flux", flux.size(), static_cast<int64_t>(observations.size()) * length);
  Scratch scratch(settings_);
  auto row = flux.begin();
  for (const Observation& observation : observations) {
    simulate_clean(observation, scratch);
    row = std::copy_n(scratch.clean.begin(), length, row);
  }
}

void Simulator::stellar_parameters(int64_t star, std::span<double> theta) const {
  require_range("star", star, settings_.stars);
  require_size("theta", theta.size(), settings_.stellar_parameters);
  std::vector<double> drawn = padded_buffer(settings_.stellar_parameters);
  draw_theta(star, drawn.data());
  std::copy_n(drawn.begin(), theta.size(), theta.begin());
}

void Simulator::phases(int64_t star, int64_t observation, std::span<double> phi) const {
  require_range("star", star, settings_.stars);
  require_range("observation", observation, observation_count());
  require_size("phi", phi.size(), settings_.stellar_parameters - 1);
  std::vector<double> turns = padded_buffer(settings_.stellar_parameters);
  draw_turns(star, observation, turns.data());
  std::transform(turns.begin() + 1, turns.begin() + settings_.stellar_parameters, phi.begin(),
                 [](double turn) { return 2.0 * std::numbers::pi * turn; });
}

void Simulator::instrument_parameters(int32_t instrument, std::span<double> beta, std::span<double> gamma) const {
  require_range("instrument", instrument, settings_.instruments);
  require_size("beta", beta.size(), settings_.instrument_terms);
  require_size("gamma", gamma.size(), settings_.instrument_terms);
  std::vector<double> drawn = padded_buffer(settings_.instrument_terms);
  for (const auto& [stream, values] :
       {std::pair{RandomStream::instrument_scale, beta}, std::pair{RandomStream::instrument_offset, gamma}}) {
    kernels_->normals(key(stream), static_cast<uint64_t>(instrument), settings_.instrument_terms, drawn.data());
    std::copy_n(drawn.begin(), values.size(), values.begin());
  }
}

PhiloxKey Simulator::key(RandomStream stream) const {
  return philox_key(static_cast<uint64_t>(settings_.seed), stream);
}

void Simulator::draw_theta(int64_t star, double* theta) const {
  kernels_->normals(key(RandomStream::stellar_parameters), static_cast<uint64_t>(star), settings_.stellar_parameters,
                    theta);
  theta[0] *= settings_.period_scatter;
}

void Simulator::draw_turns(int64_t star, int64_t observation, double* turns) const {
  // Draw k is harmonic k's, as in theta; draw 0 belongs to none.
  const int64_t owner = settings_.phases == config::Phases::star ? star : observation;
  kernels_->uniforms(key(RandomStream::phases), static_cast<uint64_t>(owner), settings_.stellar_parameters, turns);
}

void Simulator::instrument_term(RandomStream stream, int64_t instrument, double constant, double* term) const {
  const int64_t terms = settings_.instrument_terms;
  std::vector<double> real = padded_buffer(terms);
  const std::vector<double> imaginary = padded_buffer(terms);
  kernels_->normals(key(stream), static_cast<uint64_t>(instrument), terms, real.data());
  kernels_->harmonic_sum(real.data(), imaginary.data(), terms, 2.0 * static_cast<double>(settings_.length),
                         settings_.length, term);
  std::transform(term, term + settings_.length, term,
                 [constant](double sum) { return constant + instrument_strength * sum; });
}

void Simulator::simulate_clean(const Observation& observation, Scratch& scratch) const {
  require_range("star", observation.star, settings_.stars);
  require_range("instrument", observation.instrument, settings_.instruments);
  require_range("observation", observation.observation, observation_count());
  const int64_t terms = settings_.stellar_parameters;
  draw_theta(observation.star, scratch.theta.data());
  const double period =
      static_cast<double>(settings_.length) * kernels_->exponential(scratch.theta[0]) * settings_.lambda;
  std::transform(scratch.theta.begin(), scratch.theta.begin() + terms, harmonic_amplitudes_.begin(),
                 scratch.theta.begin(), std::multiplies<>());
  draw_turns(observation.star, observation.observation, scratch.turns.data());
  kernels_->polar(scratch.theta.data(), scratch.turns.data(), terms, scratch.real.data(), scratch.imaginary.data());
  kernels_->harmonic_sum(scratch.real.data(), scratch.imaginary.data(), terms, period, settings_.length,
                         scratch.clean.data());
  const int64_t row = observation.instrument * padded(settings_.length);
  kernels_->observe(scale_.data() + row, offset_.data() + row, settings_.length, scratch.clean.data());
}

}  // namespace causalfm::simulation
