#include "app/backend.hpp"

#include <utility>

namespace causalfm::app {

Backend make_backend(config::Backend asked, comm::MpiEnvironment* environment, c10::Device device,
                     const comm::Options& options) {
  const auto make_host_communicator = [&](const comm::Options& own_options) {
    return environment ? make_mpi(*environment, own_options) : comm::make_single();
  };
  comm::Placement placement{environment != nullptr, comm::nccl_built(), {}};
  std::unique_ptr<comm::Communicator> control;
  if (placement.nccl_built) {
    // Without monitor: numbers and counts of calls begin with the communicator that the job works with.
    control = make_host_communicator({.deadline = options.deadline});
    placement.ranks = gather_devices(*control, {comm::host_name(), comm::gpu_identity(device)});
  } else {
    // Where everybody computes matters to NCCL only.
    placement.ranks.resize(environment ? environment->world_size() : 1);
  }
  comm::BackendChoice choice = choose_backend(asked, placement);
  if (choice.backend == config::Backend::nccl) {
    std::unique_ptr<comm::Communicator> nccl = make_nccl(*control, device, options);
    if (options.check_calls) nccl->check_calls_over(std::move(control));
    return {std::move(nccl), std::move(choice)};
  }
  control.reset();
  return {choice.backend == config::Backend::mpi ? make_host_communicator(options) : comm::make_single(),
          std::move(choice)};
}

}  // namespace causalfm::app
