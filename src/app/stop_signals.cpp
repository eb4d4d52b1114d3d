#include "app/stop_signals.hpp"

#include <csignal>

namespace causalfm::app {

namespace {

// A signal handler can reach nothing but a static.
volatile std::sig_atomic_t stop_signals_seen = 0;
volatile std::sig_atomic_t termination_seen = 0;

extern "C" void note_stop_signal(int signal) {
  if (signal == SIGINT && stop_signals_seen != 0) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
  if (signal == SIGTERM) termination_seen = 1;
  stop_signals_seen = 1;
}

constexpr int handled[] = {SIGTERM, SIGINT, SIGUSR1};

}  // namespace

StopSignals::StopSignals() {
  stop_signals_seen = 0;
  termination_seen = 0;
  for (const int signal : handled) std::signal(signal, note_stop_signal);
}

bool StopSignals::requested() const { return stop_signals_seen != 0; }

bool StopSignals::terminated() const { return termination_seen != 0; }

}  // namespace causalfm::app
