#include "app/training_host.hpp"

#include "causalfm/comm/topology.hpp"
#include "causalfm/config/error.hpp"
#include "causalfm/model/error.hpp"
#include "causalfm/model/model.hpp"
#include "app/arithmetic.hpp"
#include "app/versions.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>

#include <iostream>
#include <map>
#include <string>

namespace causalfm::app {

namespace {

c10::Device choose_device(config::DeviceKind asked, int64_t local_rank) {
  const int64_t devices = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  if (asked == config::DeviceKind::cuda && devices == 0) {
    throw config::ConfigError(
        "runtime.device is cuda, but this process sees no CUDA device: build with "
        "launch/build.sh --cuda on a machine with a GPU, or set it to auto");
  }
  if (asked == config::DeviceKind::cpu || devices == 0) return {c10::kCPU};
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(local_rank % devices)};
}

/// What is wrong with the user's choice is the configuration's error.
std::string kernels_here(const config::Config& settings) {
  try {
    return model::kernel_instruction_set(settings.runtime.kernels, model::products_of(settings.train.precision));
  } catch (const model::ModelError& error) {
    throw config::ConfigError(error.what());
  }
}

}  // namespace

TrainingHost::TrainingHost(Job& job, const config::Config& settings, std::function<bool()> stop_requested)
    : file_system_(storage::make_real_file_system()) {
  set_gpu_arithmetic(settings.train.deterministic);
  const c10::Device device = choose_device(settings.runtime.device, job.local_rank());
  // Else what names no GPU, as pinned memory, would be of GPU 0 on every rank.
  if (device.is_cuda()) c10::impl::VirtualGuardImpl(device.type()).setDevice(device);
  Backend backend = job.make_communicator(settings.comm, device);
  communicator_ = std::move(backend.communicator);
  const int64_t cores = job.cores();
  const int64_t threads = settings.runtime.threads.value_or(cores);
  at::set_num_threads(static_cast<int>(threads));
  std::map<std::string, std::string> versions = library_versions();
  versions.emplace("device", device.is_cuda() ? "cuda" : "cpu");
  versions.emplace("kernels", device.is_cuda() ? "plain" : kernels_here(settings));
  host_ = std::make_unique<training::Host>(training::Host{
      *communicator_, *file_system_, job.log(), job.has_terminal() && job.rank() == 0 ? &std::cout : nullptr, device,
      threads, instruction_set(), std::move(versions), std::move(stop_requested),
      comm::numa_nodes_of(comm::core_numbers_of_process())});
  if (job.rank() == 0) {
    job.log().log(backend.choice.warning ? spdlog::level::warn : spdlog::level::info,
                  "{} rank{} ({}: {}), {} on each, {} thread{} a rank, {}", job.world_size(),
                  job.world_size() == 1 ? "" : "s", communicator_->backend(), backend.choice.why, device.str(), threads,
                  threads == 1 ? "" : "s", instruction_set());
    if (threads > cores) {
      job.log().warn(
          "runtime.threads is {}, but a rank has {} core{} here: threads slow each other down; set it to auto", threads,
          cores, cores == 1 ? "" : "s");
    }
  }
}

}  // namespace causalfm::app
