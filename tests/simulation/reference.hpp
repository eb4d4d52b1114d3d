#pragma once

#include <cstdint>
#include <vector>

#include "causalfm/config/config.hpp"
#include "causalfm/philox.hpp"

/// The simulator once more, one draw, one cosine and one sample at a time, with the C library's functions.
namespace causalfm::simulation::reference {

double uniform(PhiloxKey key, uint64_t id, int64_t draw);
double normal(PhiloxKey key, uint64_t id, int64_t draw);

/// What a light curve is made of.
struct Truth {
  std::vector<double> theta;  ///< [K]
  std::vector<double> phi;    ///< [K-1]
  std::vector<double> beta;   ///< [M]
  std::vector<double> gamma;  ///< [M]
};

/// Drawn from the streams, not asked of the Simulator.
Truth draw_truth(const config::Simulation& settings, int64_t star, int32_t instrument, int64_t observation);

/// clip(S F + O) at t = 0 ... T-1 by Eqs. 1-4.
std::vector<double> clean_curve(const config::Simulation& settings, const Truth& truth);

/// Re sum_k (real_k + i imaginary_k) e^{i 2 pi k t / period}
double harmonic_sum(const std::vector<double>& real, const std::vector<double>& imaginary, double period, int64_t t);

}  // namespace causalfm::simulation::reference
