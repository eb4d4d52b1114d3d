#include "causalfm/config/error.hpp"
#include "causalfm/config/load.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <random>
#include <sstream>
#include <string>

namespace causalfm::config {
namespace {

/// One to eight edits: a byte changed, a piece removed, doubled, or replaced by something that YAML gives a meaning.
std::string broken(std::string text, std::mt19937_64& random) {
  const std::array<std::string, 20> pieces{
      "\n", "  ", "\t", ": ", "- ",   "? ",   "{",  "}", "[",    "]",
      "&a", "*a", "!t", "|",  "--- ", "... ", "\"", "'", "\xff", std::string(1, '\0')};
  for (uint64_t edits = 1 + random() % 8; edits > 0; --edits) {
    const size_t place = random() % (text.size() + 1);
    const size_t length = random() % 8;
    switch (random() % 4) {
      case 0:
        if (place < text.size()) text[place] = static_cast<char>(random());
        break;
      case 1:
        text.erase(place, length);
        break;
      case 2:
        text.insert(place, text.substr(place, length));
        break;
      default:
        text.replace(place, length, pieces[random() % pieces.size()]);
    }
  }
  return text;
}

/// Either a valid configuration, which then reads back, or a ConfigError of one line.
void expect_sound(const std::string& text, size_t& accepted) {
  try {
    const Config config = parse(text, "fuzz.yaml");
    ++accepted;
    EXPECT_TRUE(parse(to_yaml(config), "copy") == config) << text;
  } catch (const ConfigError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << text;
    EXPECT_EQ(std::string(error.what()).rfind("fuzz.yaml", 0), 0u) << error.what();
  }
}

std::string paper() {
  std::ifstream stream(CAUSALFM_CONFIGS_FOLDER "/paper.yaml");
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void fuzz(uint64_t seed, int trials) {
  std::mt19937_64 random(seed);
  const std::string whole = paper();
  const std::string plain = to_yaml(Config{});
  ASSERT_FALSE(whole.empty());
  size_t accepted = 0;
  for (int trial = 0; trial < trials; ++trial) {
    expect_sound(broken(trial % 2 == 0 ? whole : plain, random), accepted);
    std::string noise(random() % 100, ' ');
    for (char& byte : noise) byte = static_cast<char>(random());
    expect_sound(noise, accepted);
  }
  EXPECT_GT(accepted, 0u);
  EXPECT_LT(accepted, static_cast<size_t>(trials));
}

TEST(Fuzz, BrokenYamlIsAConfigErrorOrValid) { fuzz(5, 500); }

TEST(FuzzLong, BrokenYamlIsAConfigErrorOrValid) { fuzz(6, 100'000); }

TEST(Fuzz, DeepNestingIsRefused) {
  size_t accepted = 0;
  for (const std::string piece : {"[", "{a: ", "- ", "? ", "&a ", "!a "}) {
    std::string deep = "seed: ";
    for (int level = 0; level < 20'000; ++level) deep += piece;
    expect_sound(deep, accepted);
  }
  EXPECT_EQ(accepted, 0u);
}

TEST(Fuzz, AliasesThatMultiplyAreNotExpanded) {
  std::string bomb = "seed: [&a0 x]\n";
  std::string lists = "model: {block: &b0 [lstm, lstm]}\ndata:\n  held_out_instruments: [";
  for (int level = 0; level < 40; ++level) {
    lists += "&b" + std::to_string(level + 1) + " [*b" + std::to_string(level) + ", *b" + std::to_string(level) + "], ";
  }
  size_t accepted = 0;
  expect_sound(bomb, accepted);
  expect_sound(lists + "]\n", accepted);
  EXPECT_EQ(accepted, 0u);
}

}  // namespace
}  // namespace causalfm::config
