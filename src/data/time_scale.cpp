#include "causalfm/data/time_scale.hpp"

#include "causalfm/data/error.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace causalfm::data {
namespace {

constexpr int64_t most_rows_measured = 4096;

std::vector<int64_t> evenly_spaced(std::span<const int64_t> rows, int64_t most) {
  const auto available = static_cast<int64_t>(rows.size());
  const int64_t count = std::min(available, most);
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < count; ++i) {
    chosen.push_back(rows[static_cast<size_t>(i * available / count)]);
  }
  return chosen;
}

/// Gathers the steps between consecutive observed samples, curve by curve.
class Steps {
 public:
  explicit Steps(std::string place) : place_(std::move(place)) {}

  /// `mask` may be empty: all is observed.
  void add(std::span<const float> time, std::span<const uint8_t> mask) {
    const float* previous = nullptr;
    for (size_t sample = 0; sample < time.size(); ++sample) {
      if (!mask.empty() && mask[sample] == 0) {
        continue;
      }
      const float& now = time[sample];
      span_ = std::max(span_, static_cast<double>(now));
      if (previous != nullptr) {
        if (!(now > *previous)) {
          throw DataError(place_ + " holds a curve whose time does not increase from " + std::to_string(*previous) +
                          " to " + std::to_string(now) + ": write the data set again with ascending times");
        }
        steps_.push_back(static_cast<double>(now) - static_cast<double>(*previous));
      }
      previous = &now;
    }
  }

  TimeScale scale() && {
    if (steps_.empty()) {
      throw DataError(place_ +
                      " holds no training curve with two observed samples, so that times have no scale: "
                      "use longer curves");
    }
    const auto middle = steps_.begin() + static_cast<ptrdiff_t>(steps_.size() / 2);
    std::nth_element(steps_.begin(), middle, steps_.end());
    const double upper = *middle;
    const double lower = steps_.size() % 2 == 1 ? upper : *std::max_element(steps_.begin(), middle);
    return {span_, (lower + upper) / 2.0};
  }

 private:
  std::string place_;
  double span_ = 0.0;
  std::vector<double> steps_;
};

}  // namespace

TimeScale time_scale(const Source& source, std::span<const int64_t> rows) {
  Steps steps(source.description().place);
  if (source.has_shared_time() && !source.has_mask()) {
    steps.add(source.description().shared_time, {});
    return std::move(steps).scale();
  }
  const auto length = static_cast<size_t>(source.length());
  std::vector<float> time(length);
  std::vector<uint8_t> mask(source.has_mask() ? length : 0);
  for (const int64_t row : evenly_spaced(rows, most_rows_measured)) {
    source.read({&row, 1}, {.flux = {}, .time = time, .mask = mask});
    steps.add(time, mask);
  }
  return std::move(steps).scale();
}

}  // namespace causalfm::data
