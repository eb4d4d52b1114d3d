#pragma once

#include <map>
#include <string>

namespace causalfm::app {

/// causalfm, libtorch, mpi, hdf5, and nccl and cuda ("not built" without them).
std::map<std::string, std::string> library_versions();

/// What LibTorch's kernels run on here: "AVX512", "AVX2", ….
std::string instruction_set();

/// What `causalfm --version` prints.
std::string version_text();

}  // namespace causalfm::app
