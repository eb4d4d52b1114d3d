#pragma once

#include "causalfm/model/model.hpp"

namespace causalfm::model {

/// @throws ModelError when no network can have these sizes, naming the key.
void check_settings(const config::Model& settings, const SequenceScale& scale, const at::TensorOptions& options);

/// @throws ModelError when shapes, dtypes or devices of the curves do not fit one another or the model.
void check_curves(const Curves& curves, const config::Model& settings, const SequenceScale& scale,
                  const at::TensorOptions& options);

/// @throws ModelError when `latent`, called `name` in the sentence, is not [batch, size] of the model's dtype.
void check_latent(const at::Tensor& latent, const char* name, int64_t batch, int64_t size,
                  const at::TensorOptions& options);

}  // namespace causalfm::model
