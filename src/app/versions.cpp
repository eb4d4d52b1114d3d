#include "app/versions.hpp"

#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/topology.hpp"
#include "causalfm/model/model.hpp"
#include "causalfm/storage/hdf5_version.hpp"
#include "causalfm/version.hpp"

#include <ATen/Version.h>
#include <fmt/format.h>
#include <torch/version.h>

namespace causalfm::app {

std::map<std::string, std::string> library_versions() {
  return {{"causalfm", version},          {"libtorch", TORCH_VERSION},
          {"mpi", comm::mpi_version()},   {"hdf5", storage::hdf5_version()},
          {"nccl", comm::nccl_version()}, {"cuda", cuda_version}};
}

std::string instruction_set() { return at::get_cpu_capability(); }

std::string version_text() {
  std::map<std::string, std::string> versions = library_versions();
  const auto kernels = [](model::Products products) {
    return model::kernel_instruction_set(config::KernelKind::automatic, products);
  };
  return fmt::format(
      "causalfm {}\nLibTorch {}\nMPI {}\nNCCL {}\nCUDA {}\nHDF5 {}\ninstruction set {}\nkernels {}\n"
      "kernels for bfloat16 {}\n",
      versions["causalfm"], versions["libtorch"], versions["mpi"], versions["nccl"], versions["cuda"], versions["hdf5"],
      instruction_set(), kernels(model::Products::full), kernels(model::Products::bfloat16));
}

}  // namespace causalfm::app
