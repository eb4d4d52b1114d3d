#pragma once

#include "simulation/kernels.hpp"
#include "simulation/lanes.hpp"

namespace causalfm::simulation {
namespace {

void observe(const double* scale, const double* offset, int64_t length, double* clean) {
  for (int64_t t = 0; t < length; t += lane_count) {
    store(limited(load(scale + t) * load(clean + t) + load(offset + t), 1.0), clean + t);
  }
}

void add_noise(const double* clean, const double* noise, double deviation, int64_t length, float* flux) {
  for (int64_t t = 0; t < length; ++t) {
    flux[t] = static_cast<float>(clean[t] + deviation * noise[t]);
  }
}

}  // namespace
}  // namespace causalfm::simulation
