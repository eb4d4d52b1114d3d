#include "causalfm/data/error.hpp"
#include "app/job.hpp"

#include <ATen/ops/ones.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

/// A job that does nothing but come to a phase in which one rank meets with something: the ends that are hard to hit
/// from outside. Arguments: the phase (before-start, start, collective, end), what happens there (kill, stop, throw,
/// throw-everywhere), the rank it happens to, the deadline in seconds.
namespace {

using namespace causalfm;

class Accident {
 public:
  Accident(std::string phase, std::string kind, bool here)
      : phase_(std::move(phase)), kind_(std::move(kind)), here_(here) {}

  void pass(const std::string& phase) const {
    if (phase != phase_) return;
    if (kind_ == "throw-everywhere") throw data::DataError("all shards are broken");
    if (!here_) return;
    if (kind_ == "kill") std::raise(SIGKILL);
    if (kind_ == "stop") std::raise(SIGSTOP);
    if (kind_ == "throw") throw data::DataError("a shard is broken");
  }

 private:
  std::string phase_;
  std::string kind_;
  bool here_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  const Accident accident(argv[1], argv[2], rank != nullptr && std::strcmp(rank, argv[3]) == 0);
  const double deadline = std::atof(argv[4]);
  accident.pass("before-start");
  app::Job job(deadline);
  return job.run([&] {
    accident.pass("start");
    config::Comm settings;
    settings.deadline_seconds = deadline;
    const auto communicator = job.make_communicator(settings, c10::kCPU).communicator;
    for (int step = 0; step < 20; ++step) {
      communicator->announce(comm::Phase::step, step);
      if (step == 5) accident.pass("collective");
      communicator->all_reduce(at::ones({1000}), comm::Reduction::sum, "gradients").wait();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    accident.pass("end");
    return 0;
  });
}
