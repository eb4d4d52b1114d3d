#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"

#include "comm/nccl.hpp"
#include "comm/nccl_double/device.hpp"
#include "comm/nccl_double/nccl.hpp"

#include <ATen/ATen.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>

/// Kills rank 1 between two collectives of the NCCL backend over its double; every other rank says how it noticed.
int main() {
  using namespace causalfm::comm;
  using namespace std::chrono_literals;
  MpiEnvironment environment;
  const auto control = make_mpi(environment, {10s});
  nccl_double::Computation computation;
  const auto ranks = make_nccl(nccl_double::nccl_api(), nccl_double::device_api(), *control, 0, {2s});
  const at::Tensor values = computation.on_device(at::ones({12}));
  ranks->all_reduce(values).wait();
  computation.drain();
  if (ranks->rank() == 1) raise(SIGKILL);
  const auto start = std::chrono::steady_clock::now();
  try {
    ranks->all_reduce(values).wait();
    computation.drain();  // as a host is blocked on the device
    ranks->all_reduce(values).wait();
  } catch (const CommunicationError& error) {
    const auto after = std::chrono::steady_clock::now() - start;
    const std::string line = std::string(after < 8s ? "in time: " : "late: ") + error.what() + "\n";
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout);
  }
  _exit(0);  // MPI cannot be finalized without rank 1
}
