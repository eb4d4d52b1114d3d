#pragma once

#include "causalfm/config/config.hpp"

namespace causalfm::model {

/// What the matrix products of encoders multiply: numbers as they are, or numbers of float32 rounded to bfloat16, whose
/// products are summed in float32. Parameters, and all between the products, stay as they are; so do the products that
/// give latents, projections and reconstructions, whose small differences count.
enum class Products { full, bfloat16 };

/// What train.precision asks for.
constexpr Products products_of(config::Precision precision) {
  return precision == config::Precision::bfloat16 ? Products::bfloat16 : Products::full;
}

}  // namespace causalfm::model
