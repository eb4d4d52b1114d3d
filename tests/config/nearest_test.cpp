#include "config/nearest.hpp"

#include "causalfm/config/spelling.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace causalfm::config {
namespace {

/// The definition, by recursion.
size_t plain_distance(std::string_view left, std::string_view right) {
  if (left.empty()) return right.size();
  if (right.empty()) return left.size();
  const size_t replaced = plain_distance(left.substr(1), right.substr(1)) + (left[0] == right[0] ? 0 : 1);
  return std::min({replaced, plain_distance(left.substr(1), right) + 1, plain_distance(left, right.substr(1)) + 1});
}

TEST(EditDistance, AgreesWithItsDefinition) {
  std::mt19937_64 random(11);
  const auto word = [&random] {
    std::string text(random() % 7, ' ');
    for (char& letter : text) letter = static_cast<char>('a' + random() % 3);
    return text;
  };
  for (int trial = 0; trial < 300; ++trial) {
    const std::string left = word();
    const std::string right = word();
    EXPECT_EQ(edit_distance(left, right), plain_distance(left, right)) << left << ' ' << right;
  }
}

TEST(Nearest, FindsWhatWasMeant) {
  Config config;
  const std::vector<Key> keys = keys_of(config);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"train.batch_triplet", "train.batch_triplets"},
      {"train.step", "train.steps"},
      {"tarin.steps", "train.steps"},
      {"steps", "train.steps"},                   // the section was forgotten
      {"model.temperature", "loss.temperature"},  // another section's
      {"loss.learning_rate", "train.learning_rate"},
      {"simulation.sed", "simulation.seed"},  // four keys are called seed or nearly so: the section decides
      {"data.seed", "seed"},
      {"sed", "seed"},
      {"simulaton", "simulation"},
      {"lamda", "simulation.lambda"},
      {"train.train.steps", "train.steps"},
      {"Train.Steps", "train.steps"},
  };
  for (const auto& [given, meant] : expected) EXPECT_EQ(nearest_name(keys, given), meant) << given;
}

TEST(Nearest, OneTypingErrorAnywhereIsFound) {
  Config config;
  const std::vector<Key> keys = keys_of(config);
  for (const Key& key : keys) {
    if (key.name.size() <= 8) continue;  // a typing error in a short name may be nearer to another
    for (size_t place = key.name.find('.') + 1; place < key.name.size(); ++place) {
      std::string given(key.name);
      given[place] = '-';
      EXPECT_EQ(nearest_name(keys, given), key.name) << given;
    }
  }
}

TEST(Nearest, SaysSomethingForAnyText) {
  Config config;
  const std::vector<Key> keys = keys_of(config);
  for (const std::string& given : std::vector<std::string>{"", ".", "...", "<<", std::string(100'000, 'x')}) {
    EXPECT_FALSE(nearest_name(keys, given).empty());
  }
}

}  // namespace
}  // namespace causalfm::config
