#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/model/model.hpp"
#include "causalfm/training/train.hpp"
#include "training/step.hpp"

#include <filesystem>

namespace causalfm::benchmark {

/// Writes a batch and initial weights, and with `computed` what the networks and the losses make of them, to an HDF5
/// file with the names of docs/trace.md: flux, mask, time, star_id, instrument_id, role, parameter/PARAMETER, and with
/// `computed` z_star, ..., loss/total, ..., gradient/PARAMETER. Attributes: configuration (YAML), span and
/// median_cadence of the sequence scale. One rank.
void dump(const config::Config& settings, const model::CausalModel& model, const data::LoadedStep& loaded,
          const training::Step::Backward* computed, const std::filesystem::path& file, const training::Host& host);

}  // namespace causalfm::benchmark
