#include "causalfm/config/environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

namespace causalfm::config {
namespace {

std::string_view text_of(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

/// The first of these variables that holds a number.
std::optional<int64_t> number_of(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const std::string_view text = text_of(name);
    int64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && stop == text.data() + text.size()) return value;
  }
  return std::nullopt;
}

/// The number for node `node` in Slurm's notation: "2(x3),1" is 2, 2, 2, 1.
std::optional<int64_t> tasks_of_node(std::string_view text, int64_t node) {
  while (!text.empty()) {
    const std::string_view group = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), group.size() + 1));
    int64_t tasks = 0;
    int64_t nodes = 1;
    const char* end = group.data() + group.size();
    const auto count = std::from_chars(group.data(), end, tasks);
    if (count.ec != std::errc()) return std::nullopt;
    if (count.ptr != end && std::string_view(count.ptr, end).starts_with("(x")) {
      if (std::from_chars(count.ptr + 2, end, nodes).ec != std::errc()) return std::nullopt;
    }
    if (node < nodes) return tasks;
    node -= nodes;
  }
  return std::nullopt;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "this host";
  return name.data();
}

/// Namespaces are numbered anew by every launcher and may come again; the address of its server and, from Open MPI, a
/// random key do not.
std::string job_identity() {
  std::string identity;
  for (const char* name : {"PMIX_NAMESPACE", "PMIX_SERVER_URI2", "PMIX_SERVER_URI3", "PMIX_SERVER_URI4",
                           "OMPI_MCA_orte_precondition_transports", "SLURM_JOB_ID", "SLURM_STEP_ID"}) {
    identity.append(text_of(name)).append(";");
  }
  return text_of("PMIX_NAMESPACE").empty() ? std::string() : identity;
}

std::optional<ProcessPlace> read_place() {
  // mpirun inside an allocation: Slurm's variables then tell of the process that called mpirun.
  const bool by_mpirun = !text_of("OMPI_COMM_WORLD_SIZE").empty();
  const auto rank = by_mpirun ? number_of({"OMPI_COMM_WORLD_RANK"}) : number_of({"PMIX_RANK", "SLURM_PROCID"});
  const auto size =
      by_mpirun ? number_of({"OMPI_COMM_WORLD_SIZE"}) : number_of({"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"});
  const auto local_rank = by_mpirun ? number_of({"OMPI_COMM_WORLD_LOCAL_RANK"}) : number_of({"SLURM_LOCALID"});
  std::optional<int64_t> local_size = number_of({"OMPI_COMM_WORLD_LOCAL_SIZE"});
  if (!by_mpirun) {
    local_size = tasks_of_node(text_of("SLURM_STEP_TASKS_PER_NODE"), number_of({"SLURM_NODEID"}).value_or(0));
  }
  if (!rank || !size || !local_rank || !local_size) return std::nullopt;
  if (*rank < 0 || *rank >= *size || *local_rank < 0 || *local_rank >= *local_size || *local_size > *size) {
    return std::nullopt;
  }
  return ProcessPlace{job_identity(), *rank, *size, *local_rank, *local_size, host_name()};
}

}  // namespace

Environment read_environment() {
  // Open MPI's own mpirun; srun --mpi=pmix; launchers that speak PMI, so that an MPI library which does not fails
  // aloud rather than every process training alone.
  constexpr std::array launcher_variables{"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"};
  Environment environment;
  environment.terminal = text_of("CAUSALFM_TERMINAL") == "1";
  environment.launched = std::any_of(launcher_variables.begin(), launcher_variables.end(),
                                     [](const char* name) { return std::getenv(name) != nullptr; });
  if (environment.launched) environment.place = read_place();
  return environment;
}

}  // namespace causalfm::config
