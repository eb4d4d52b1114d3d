#include "causalfm/training/error.hpp"
#include "causalfm/training/plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace causalfm::training {

namespace {

constexpr double tera = 1e12;
constexpr double giga = 1e9;

/// Data sheets of NVIDIA; nodes as DGX, HGX or AWS build them. Float32 without tensor cores, as we compute.
const std::array accelerators{
    Hardware{"v100", 15.7 * tera, 0.9 * tera, 32 * giga, 150 * giga, 12.5 * giga, 8},
    Hardware{"a100", 19.5 * tera, 2.0 * tera, 80 * giga, 300 * giga, 25 * giga, 8},
    Hardware{"l40s", 91.6 * tera, 0.86 * tera, 48 * giga, 25 * giga, 25 * giga, 8},
    Hardware{"h100", 67 * tera, 3.35 * tera, 80 * giga, 450 * giga, 50 * giga, 8},
    Hardware{"h200", 67 * tera, 4.8 * tera, 141 * giga, 450 * giga, 50 * giga, 8},
    Hardware{"b200", 75 * tera, 8.0 * tera, 180 * giga, 900 * giga, 50 * giga, 8},
};

}  // namespace

std::vector<std::string> accelerator_names() {
  std::vector<std::string> names;
  std::ranges::transform(accelerators, std::back_inserter(names), &Hardware::name);
  return names;
}

Hardware accelerator(const std::string& name) {
  const auto found = std::ranges::find(accelerators, name, &Hardware::name);
  if (found != accelerators.end()) return *found;
  throw TrainingError(
      fmt::format("plan knows no accelerator {}: choose one of {}", name, fmt::join(accelerator_names(), ", ")));
}

}  // namespace causalfm::training
