#pragma once

#include <string>

namespace causalfm::storage {

/// Of the HDF5 library in use, such as "1.10.8".
std::string hdf5_version();

}  // namespace causalfm::storage
