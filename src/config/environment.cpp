#include "causalfm/config/environment.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace causalfm::config {

Environment read_environment() {
  // Open MPI's own mpirun; srun --mpi=pmix; launchers that speak PMI, so that an MPI library which does not fails
  // aloud rather than every process training alone.
  constexpr std::array launcher_variables{"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"};
  const char* terminal = std::getenv("CAUSALFM_TERMINAL");
  return {.terminal = terminal != nullptr && std::string_view(terminal) == "1",
          .launched = std::any_of(launcher_variables.begin(), launcher_variables.end(),
                                  [](const char* name) { return std::getenv(name) != nullptr; })};
}

}  // namespace causalfm::config
