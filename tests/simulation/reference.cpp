#include "simulation/reference.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace causalfm::simulation::reference {
namespace {

using std::numbers::pi;

PhiloxBlock block_of(PhiloxKey key, uint64_t id, int64_t draw) {
  return philox4x32(id, static_cast<uint64_t>(draw / 16 * 8 + draw % 8), key);
}

bool is_second(int64_t draw) { return draw % 16 >= 8; }

PhiloxKey key_of(const config::Simulation& settings, RandomStream stream) {
  return philox_key(static_cast<uint64_t>(settings.seed), stream);
}

double instrument_sum(const std::vector<double>& coefficients, double t, double length) {
  double sum = 0.0;
  for (size_t j = 0; j < coefficients.size(); ++j) {
    sum += coefficients[j] * std::cos(pi * static_cast<double>(j) * t / length);
  }
  return sum;
}

}  // namespace

double uniform(PhiloxKey key, uint64_t id, int64_t draw) {
  const PhiloxBlock block = block_of(key, id, draw);
  return is_second(draw) ? uniform_double(block[2], block[3]) : uniform_double(block[0], block[1]);
}

double normal(PhiloxKey key, uint64_t id, int64_t draw) {
  const PhiloxBlock block = block_of(key, id, draw);
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform_double(block[0], block[1])));
  const double angle = 2.0 * pi * uniform_double(block[2], block[3]);
  return radius * (is_second(draw) ? std::sin(angle) : std::cos(angle));
}

Truth draw_truth(const config::Simulation& settings, int64_t star, int32_t instrument, int64_t observation) {
  Truth truth;
  const int64_t phase_owner = settings.phases == config::Phases::star ? star : observation;
  for (int64_t k = 0; k < settings.stellar_parameters; ++k) {
    const double drawn = normal(key_of(settings, RandomStream::stellar_parameters), static_cast<uint64_t>(star), k);
    truth.theta.push_back(k == 0 ? settings.period_scatter * drawn : drawn);
    if (k > 0) {
      truth.phi.push_back(2.0 * pi *
                          uniform(key_of(settings, RandomStream::phases), static_cast<uint64_t>(phase_owner), k));
    }
  }
  for (int64_t j = 0; j < settings.instrument_terms; ++j) {
    const auto id = static_cast<uint64_t>(instrument);
    truth.beta.push_back(normal(key_of(settings, RandomStream::instrument_scale), id, j));
    truth.gamma.push_back(normal(key_of(settings, RandomStream::instrument_offset), id, j));
  }
  return truth;
}

std::vector<double> clean_curve(const config::Simulation& settings, const Truth& truth) {
  const auto length = static_cast<double>(settings.length);
  const double period = length * std::exp(truth.theta[0]) * settings.lambda;
  std::vector<double> curve;
  for (int64_t step = 0; step < settings.length; ++step) {
    const auto t = static_cast<double>(step);
    double star = 0.0;
    for (size_t k = 1; k < truth.theta.size(); ++k) {
      const auto order = static_cast<double>(k);
      star += truth.theta[k] * std::pow(order, -settings.alpha) *
              std::cos(truth.phi[k - 1] + 2.0 * pi * order * t / period);
    }
    const double scale = 1.0 + 0.05 * instrument_sum(truth.beta, t, length);
    const double offset = 0.05 * instrument_sum(truth.gamma, t, length);
    curve.push_back(std::clamp(scale * star + offset, -1.0, 1.0));
  }
  return curve;
}

double harmonic_sum(const std::vector<double>& real, const std::vector<double>& imaginary, double period, int64_t t) {
  double sum = 0.0;
  for (size_t k = 0; k < real.size(); ++k) {
    const double angle = 2.0 * pi * static_cast<double>(k) * static_cast<double>(t) / period;
    sum += real[k] * std::cos(angle) - imaginary[k] * std::sin(angle);
  }
  return sum;
}

}  // namespace causalfm::simulation::reference
