#pragma once

#include "causalfm/comm/communicator.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace causalfm::comm {

/// The texts of every rank, by rank; each cut to 255 bytes. All ranks bring as many. Collective.
/// @throws CommunicationError
std::vector<std::vector<std::string>> gather_texts(Communicator& ranks, const std::vector<std::string>& mine,
                                                   std::string_view purpose);

}  // namespace causalfm::comm
