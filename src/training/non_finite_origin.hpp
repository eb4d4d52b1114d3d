#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/config/config.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/model/parameters.hpp"
#include "training/output_survey.hpp"
#include "training/step.hpp"

#include <string>

namespace causalfm::training {

/// Where a step that is not finite went wrong, as the end of a sentence: the first of parameters, outputs of sublayers
/// in the order of computation, losses and gradients in the order of backward that is not finite, and for an output
/// also the row, of all ranks' rows. `survey` is of this rank's rows with the parameters before the step, whose
/// gradients still are what the step's backward left. Collective; equal on every rank. @throws CommunicationError
std::string non_finite_origin(const OutputSurvey& survey, const model::Parameters& parameters,
                              const Step::Backward& backward, const data::LoadedStep& loaded,
                              const config::Loss& settings, comm::Communicator& communicator);

}  // namespace causalfm::training
