#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/data/sampler.hpp"
#include "causalfm/data/source.hpp"
#include "causalfm/model/model.hpp"
#include "causalfm/training/adam.hpp"
#include "causalfm/training/train.hpp"

#include <memory>

namespace causalfm::training {

/// What a configuration means: where curves come from, in which order, and which networks see them.
struct Assembly {
  std::shared_ptr<const data::Source> source;
  std::shared_ptr<const data::Sampler> sampler;  ///< of the training split
  std::unique_ptr<model::CausalModel> model;
  std::unique_ptr<Adam> optimizer;
};

/// Of parameters and curves.
at::ScalarType dtype_of(config::Precision precision);

/// With the initial weights. @param scale of the curves
model::CausalModel make_model(const config::Config& settings, const model::SequenceScale& scale, c10::Device device);

/// Opens the data and draws the initial weights. Local; equal on every rank.
/// `scale`: of the weights that will be loaded; null: measured on the training set.
Assembly assemble(const config::Config& settings, const Host& host, const model::SequenceScale* scale = nullptr);

}  // namespace causalfm::training
