#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/model/parameters.hpp"

#include <ATen/core/Tensor.h>

#include <string>

namespace causalfm::training {

/// A checksum of every parameter in order: [parameters] int64 on the parameters' device. It is exact integer arithmetic
/// on the bits: a change of one element always changes it, any other change (or exchange of elements) but for one case
/// in 2^64. Local.
at::Tensor parameter_checksums(const model::Parameters& parameters);

/// Returns when all ranks hold the same bits in all parameters. Collective.
/// @throws comm::CommunicationError, equal on every rank, that names the ranks that differ from most others, the first
///         parameter that differs and how many do. `place` begins its sentence ("step 40").
void require_same_parameters(const model::Parameters& parameters, comm::Communicator& communicator,
                             const std::string& place);

}  // namespace causalfm::training
