#pragma once

#include <chrono>
#include <ctime>

namespace causalfm::benchmark {

struct Seconds {
  double wall = 0.0;
  double processor = 0.0;  ///< of all threads, waiting in a loop included; of use on a machine shared with others

  Seconds operator+(const Seconds& other) const { return {wall + other.wall, processor + other.processor}; }
};

class Stopwatch {
 public:
  Seconds read() const {
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(),
            static_cast<double>(std::clock() - processor_start_) / CLOCKS_PER_SEC};
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::clock_t processor_start_ = std::clock();
};

}  // namespace causalfm::benchmark
