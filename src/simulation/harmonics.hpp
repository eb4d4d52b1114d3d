#pragma once

#include "simulation/kernels.hpp"
#include "simulation/lanes.hpp"

namespace causalfm::simulation {
namespace {

constexpr int64_t steps_in_block = 16;  ///< between two restart points
constexpr int64_t blocks_in_batch = 8;  ///< restart points computed together; a multiple of every lane_count
constexpr int64_t steps_in_tile = 2 * lane_count;

/// e^{i 2 pi t / period} at up to 16 times t.
struct Rotations {
  double real[steps_in_block];
  double imaginary[steps_in_block];
};

/// At t = first, first + stride, ..., `count` of them. Turns beyond 2^48, where a double cannot tell one time step from
/// the next, are cut off so that every period gives finite numbers.
CAUSALFM_LANES_INLINE void rotate(int64_t first, int64_t stride, int64_t count, double period, Rotations& rotations) {
  for (int64_t index = 0; index < count; index += lane_count) {
    const Bits index_of_lane = lane_numbers() + static_cast<uint64_t>(index);
    const Bits step = index_of_lane * static_cast<uint64_t>(stride) + static_cast<uint64_t>(first);
    const SineCosine angle = sine_cosine(limited(real_from_integer(step) / period, 0x1.0p48));
    store(angle.cosine, rotations.real + index);
    store(angle.sine, rotations.imaginary + index);
  }
}

/// Two vectors of time steps from the rotation of their block and those within it: the recurrences over harmonics of
/// the two are independent and hide each other's latency.
CAUSALFM_LANES_INLINE void sum_tile(const double* real, const double* imaginary, int64_t terms, double block_real,
                                    double block_imaginary, const double* step_real, const double* step_imaginary,
                                    double* sum) {
  Real w_real[2];
  Real w_imaginary[2];
  Real z_real[2];
  Real z_imaginary[2];
  for (int half = 0; half < 2; ++half) {
    const Real within_real = load(step_real + half * lane_count);
    const Real within_imaginary = load(step_imaginary + half * lane_count);
    w_real[half] = within_real * block_real - within_imaginary * block_imaginary;
    w_imaginary[half] = within_real * block_imaginary + within_imaginary * block_real;
    z_real[half] = Real{} + real[terms - 1];
    z_imaginary[half] = Real{} + imaginary[terms - 1];
  }
  for (int64_t k = terms - 2; k >= 0; --k) {
    for (int half = 0; half < 2; ++half) {
      const Real turned = (real[k] + z_real[half] * w_real[half]) - z_imaginary[half] * w_imaginary[half];
      z_imaginary[half] = (imaginary[k] + z_real[half] * w_imaginary[half]) + z_imaginary[half] * w_real[half];
      z_real[half] = turned;
    }
  }
  store(z_real[0], sum);
  store(z_real[1], sum + lane_count);
}

/// With w(t) = e^{i 2 pi t / period} = w(start of its block) w(steps since then), the sum over k is a polynomial in
/// w(t) and taken by Horner's scheme.
void harmonic_sum(const double* real, const double* imaginary, int64_t terms, double period, int64_t length,
                  double* sum) {
  Rotations within_block;
  rotate(0, 1, steps_in_block, period, within_block);
  Rotations starts;
  for (int64_t batch = 0; batch < length; batch += blocks_in_batch * steps_in_block) {
    rotate(batch, steps_in_block, blocks_in_batch, period, starts);
    for (int64_t block = 0; block < blocks_in_batch; ++block) {
      const int64_t start = batch + block * steps_in_block;
      for (int64_t step = 0; step < steps_in_block && start + step < length; step += steps_in_tile) {
        sum_tile(real, imaginary, terms, starts.real[block], starts.imaginary[block], within_block.real + step,
                 within_block.imaginary + step, sum + start + step);
      }
    }
  }
}

void polar(const double* amplitude, const double* turns, int64_t count, double* real, double* imaginary) {
  for (int64_t first = 0; first < count; first += lane_count) {
    const SineCosine phase = sine_cosine(load(turns + first));
    store(load(amplitude + first) * phase.cosine, real + first);
    store(load(amplitude + first) * phase.sine, imaginary + first);
  }
}

void powers(double exponent, int64_t count, double* values) {
  for (int64_t first = 0; first < count; first += lane_count) {
    const Real base = real_from_integer(lane_numbers() + static_cast<uint64_t>(first));
    const Real positive = base > 0.0 ? base : Real{} + 1.0;
    store(exponential(exponent * logarithm(positive)), values + first);
  }
  values[0] = 0.0;
}

double exponential_of_one(double value) { return exponential(Real{} + value)[0]; }

}  // namespace
}  // namespace causalfm::simulation
