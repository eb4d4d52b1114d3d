#pragma once

#include "causalfm/data/source.hpp"
#include "causalfm/evaluation/host.hpp"
#include "causalfm/model/model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace causalfm::evaluation {

/// 0 ... rows()-1.
std::vector<int64_t> all_rows(const data::Source& source);

/// Curves of a source as the networks take them: on `device`, in `dtype`. Local.
model::Curves read_curves(const data::Source& source, std::span<const int64_t> rows, at::ScalarType dtype,
                          c10::Device device);

/// What a model makes of some curves: float32 on the CPU. A latent that the model does not have is undefined.
struct Latents {
  at::Tensor z_star;                ///< [rows, latent]; a single-latent model has its latent here
  at::Tensor z_instrument;          ///< [rows, latent]
  at::Tensor z_observation;         ///< [rows, observation_latent]
  at::Tensor reconstruction_error;  ///< [rows] mean squared error over observed samples; nan where there are none
};

/// Encodes and decodes `rows`, block by block, each rank a share of a block, without dropout. Rank 0 gets all rows,
/// other ranks undefined tensors. `name` stands for the model in the log. Collective.
/// @throws EvaluationError when the curves have another length than the model's; data::DataError.
Latents encode_rows(const model::CausalModel& model, const data::Source& source, std::span<const int64_t> rows,
                    const std::string& name, const Host& host);

}  // namespace causalfm::evaluation
