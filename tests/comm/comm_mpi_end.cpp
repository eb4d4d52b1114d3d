#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"

#include <ATen/ATen.h>

#include <cstdio>
#include <string_view>
#include <thread>

/// Ends a job of several ranks in the way its argument names; the test looks at the code that mpirun returns.
int main(int argc, char** argv) {
  using namespace causalfm::comm;
  using namespace std::chrono_literals;
  const std::string_view end = argc > 1 ? argv[1] : "";
  MpiEnvironment environment;
  if (end == "finalized") return 75;
  if (end == "abandoned") {
    environment.abandon();
    return 6;
  }
  if (end != "missing") return 2;
  const auto ranks = make_mpi(environment, {500ms});
  if (ranks->rank() == 1) std::this_thread::sleep_for(60s);
  try {
    ranks->all_reduce(at::ones({3})).wait();
  } catch (const CommunicationError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    environment.abort(4, 5s);
  }
  return 0;
}
