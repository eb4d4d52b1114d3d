#pragma once

#include "evaluation/representation.hpp"
#include "evaluation/scores.hpp"

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::evaluation {

/// What a linear and a non-linear reader find of one quantity in one representation: balanced accuracy of classes, R2
/// of numbers; over curves, not stars.
struct Probe {
  std::string representation;
  double linear = 0.0;
  double mlp = 0.0;
  at::Tensor linear_predictions;  ///< [test curves] float64
  at::Tensor mlp_predictions;
};

/// One quantity, read from every representation by readers fitted afresh on all training curves.
struct ProbeScores {
  std::string quantity;       ///< instrument or theta_0
  double chance = 0.0;        ///< balanced accuracy of a guess; 0 for R2
  at::Tensor observation_id;  ///< [test curves] int64
  at::Tensor truth;           ///< [test curves] float64
  std::vector<Probe> probes;
};

/// The instrument of every test curve; those that no training curve shows (held-out ones) are left out. None when a
/// split shows fewer than two instruments. Local, deterministic.
std::optional<ProbeScores> probe_instruments(const std::vector<Representation>& representations, const Cohorts& cohorts,
                                             uint64_t seed, const std::function<void(const std::string&)>& told);

/// A quantity of stars, of every test curve. Local, deterministic.
ProbeScores probe_target(const Target& target, const std::vector<Representation>& representations,
                         const Cohorts& cohorts, uint64_t seed, const std::function<void(const std::string&)>& told);

}  // namespace causalfm::evaluation
