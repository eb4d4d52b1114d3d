#include "app/backend.hpp"

#include <utility>

namespace causalfm::app {

Backend make_backend(config::Backend asked, comm::MpiEnvironment* environment, c10::Device device,
                     const comm::Options& options) {
  const auto make_control = [&] { return environment ? make_mpi(*environment, options) : comm::make_single(); };
  comm::Placement placement{environment != nullptr, comm::nccl_built(), {}};
  std::unique_ptr<comm::Communicator> control;
  if (placement.nccl_built) {
    control = make_control();
    placement.ranks = gather_devices(*control, {comm::host_name(), comm::gpu_identity(device)});
  } else {
    // Where everybody computes matters to NCCL only.
    placement.ranks.resize(environment ? environment->world_size() : 1);
  }
  comm::BackendChoice choice = choose_backend(asked, placement);
  if (choice.backend == config::Backend::nccl) return {make_nccl(*control, device, options), std::move(choice)};
  // A communicator of its own, whose numbers and counts begin with the caller's.
  control.reset();
  return {choice.backend == config::Backend::mpi ? make_control() : comm::make_single(), std::move(choice)};
}

}  // namespace causalfm::app
