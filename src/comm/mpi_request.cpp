#include "mpi_request.hpp"

#include "causalfm/comm/error.hpp"

#include <sched.h>

#include <thread>

namespace causalfm::comm {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

}  // namespace

void check_mpi(int code, const std::string& place) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
  throw CommunicationError(place + " failed in MPI: " + std::string(text, length) +
                           "; look for the first error in the other ranks' output");
}

bool completes_by(MPI_Request& request, Clock::time_point end, const std::string& place) {
  const Clock::time_point begin = Clock::now();
  while (true) {
    int complete = 0;
    check_mpi(MPI_Test(&request, &complete, MPI_STATUS_IGNORE), place);
    if (complete) return true;
    const Clock::time_point now = Clock::now();
    if (now >= end) return false;
    // With a core for each rank, polling answers soonest. With fewer cores than ranks the rank waited for needs this
    // one, and who has waited long is waiting for computation and may as well sleep.
    if (now - begin > 5ms) {
      std::this_thread::sleep_for(50us);
    } else if (now - begin > 20us) {
      sched_yield();
    }
  }
}

Clock::time_point after(Clock::time_point start, std::chrono::duration<double> duration) {
  return start + std::chrono::duration_cast<Clock::duration>(duration);
}

}  // namespace causalfm::comm
