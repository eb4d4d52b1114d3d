#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "causalfm/config/config.hpp"
#include "causalfm/philox.hpp"

namespace causalfm::simulation {

struct Kernels;

/// One observation: which star, through which instrument, which of all observations.
/// Any star may be combined with any instrument and observation: what a swap of instruments would have shown is
/// {star, other instrument, observation}.
struct Observation {
  int64_t star;
  int32_t instrument;
  int64_t observation;

  bool operator==(const Observation&) const = default;
};

/// The simulated universe of arXiv 2507.05333, Eqs. 1-4, at the time steps t = 0 ... T-1:
///
///     F_obs  = clip[-1,1](S_m F_true + O_m) + N(0, noise^2)
///     F_true = Re sum_{k=1}^{K-1} theta_{s,k} k^-alpha e^{i phi_{n,k-1}} e^{i 2 pi k t / L_s}
///     L_s    = T e^{theta_{s,0}} lambda
///     S_m    = 1 + 0.05 Re sum_{j=0}^{M-1} beta_{m,j} e^{i pi j t / T}
///     O_m    =     0.05 Re sum_{j=0}^{M-1} gamma_{m,j} e^{i pi j t / T}
///
/// theta_0 ~ N(0, period_scatter^2), theta_k, beta, gamma ~ N(0, 1), phi uniform in [0, 2 pi). The noise belongs to the
/// observation, and so do the phases unless settings.phases gives them to the star.
///
/// Every value is a pure function of (settings.seed, star, instrument, observation): the same bits in any order, in
/// batches of any size, on any number of ranks and threads, and with any instruction set, for nothing but IEEE
/// additions, products, quotients and square roots is used and none of them is fused. Computed in double precision,
/// rounded to float32 once. All members are const, serial and safe to call from several threads at once; they throw
/// SimulationError for an id that settings do not hold and for a span of another size than stated.
class Simulator {
 public:
  /// Computes the instruments' terms once: 16 bytes times instruments times length.
  /// @throws SimulationError when settings describe no universe (a count below 1, a number that is not finite).
  explicit Simulator(const config::Simulation& settings);

  const config::Simulation& settings() const { return settings_; }

  /// stars * curves_per_star
  int64_t observation_count() const { return settings_.stars * settings_.curves_per_star; }

  /// Observation star * curves_per_star + n is the star's n-th, through instruments_of_star(star)[n].
  Observation observation(int64_t observation_id) const;

  /// The instruments of the star's curves_per_star observations, in order, by settings.assignment:
  ///   balanced: every instrument floor(curves / instruments) times, the rest drawn without repeats, then shuffled;
  ///   uniform: independent draws;
  ///   sparse: 2 to 6 instruments (never more than there are instruments or curves), balanced among themselves.
  std::vector<int32_t> instruments_of_star(int64_t star) const;

  /// F_obs. flux: [n, T] row-major, one row an observation.
  void light_curves(std::span<const Observation> observations, std::span<float> flux) const;

  /// clip(S F + O) before the noise: the best that any model could predict, with or without swapped instruments.
  /// flux: [n, T] row-major.
  void noiseless(std::span<const Observation> observations, std::span<double> flux) const;

  /// theta: [K]
  void stellar_parameters(int64_t star, std::span<double> theta) const;

  /// phi: [K-1], of the observation, or of the star where settings.phases says so.
  void phases(int64_t star, int64_t observation, std::span<double> phi) const;

  /// beta, gamma: [M]
  void instrument_parameters(int32_t instrument, std::span<double> beta, std::span<double> gamma) const;

 private:
  struct Scratch;

  PhiloxKey key(RandomStream stream) const;
  void draw_theta(int64_t star, double* theta) const;
  void draw_turns(int64_t star, int64_t observation, double* turns) const;
  void instrument_term(RandomStream stream, int64_t instrument, double constant, double* term) const;
  void simulate_clean(const Observation& observation, Scratch& scratch) const;

  config::Simulation settings_;
  const Kernels* kernels_;
  std::vector<double> harmonic_amplitudes_;  ///< k^-alpha, 0 for k = 0
  std::vector<double> scale_;                ///< S, [instruments, padded T]
  std::vector<double> offset_;               ///< O, [instruments, padded T]
};

}  // namespace causalfm::simulation
