#include "config/random_config.hpp"

#include "config/check.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <vector>

namespace causalfm::config {

namespace {

int64_t below(std::mt19937_64& random, int64_t bound) {
  return static_cast<int64_t>(random() % static_cast<uint64_t>(bound));
}

std::vector<std::string> words_after(std::string text, const std::string& lead) {
  text.erase(0, text.find(lead) == std::string::npos ? 0 : text.find(lead) + lead.size());
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::string random_list(const std::vector<std::string>& words, std::mt19937_64& random) {
  std::string list = "[";
  for (int64_t count = below(random, 6); count > 0; --count) {
    list += words[below(random, static_cast<int64_t>(words.size()))] + (count > 1 ? ", " : "");
  }
  return list + "]";
}

/// Seventeen significant digits over many magnitudes.
std::string random_number(std::mt19937_64& random) {
  std::ostringstream text;
  text.precision(17);
  text << std::ldexp(static_cast<double>(random() >> 11), static_cast<int>(below(random, 60)) - 105);
  return text.str();
}

std::string random_text(std::mt19937_64& random) {
  const std::array<std::string, 8> pieces{"data", "/", " ", "\\n", "\\\"", "ü", "#: ", "\\x07"};
  std::string text = "\"";
  for (int64_t count = 1 + below(random, 8); count > 0; --count) text += pieces[below(random, pieces.size())];
  return text + "\"";
}

std::string candidate(const Setting& setting, std::mt19937_64& random) {
  const std::string type = setting.type();
  const std::string small = std::to_string(below(random, 64));
  if (type == "integer" && below(random, 4) == 0) return std::to_string(random() >> (1 + below(random, 60)));
  if (type == "integer" || type == "odd integer") return small;
  if (type == "auto or integer") return below(random, 2) == 0 ? "auto" : small;
  if (type == "number") return random_number(random);
  if (type == "true or false") return below(random, 2) == 0 ? "true" : "false";
  if (type == "text or null") return below(random, 2) == 0 ? "null" : random_text(random);
  if (type == "list of distinct integers") return random_list({"0", "1", "2", "3", "4", "5", "6", "7"}, random);
  if (type == "list") return random_list(words_after(setting.range(), "out of "), random);
  const std::vector<std::string> choices = words_after(setting.range(), "");
  return choices[below(random, static_cast<int64_t>(choices.size()))];
}

}  // namespace

void change(const Key& key, std::mt19937_64& random) {
  const std::string before = key.setting->text();
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const std::string text = candidate(*key.setting, random);
    if (!key.setting->read(YAML::Load(text))) throw std::logic_error(std::string(key.name) + " does not read " + text);
    if (key.setting->in_range() && key.setting->text() != before) return;
  }
  key.setting->read(YAML::Load(before));
}

Config random_config(std::mt19937_64& random) {
  Config config;
  const std::vector<Key> keys = keys_of(config);
  for (const Key& key : keys) change(key, random);
  const std::vector<Relation> all = relations();
  const auto broken = [&] {
    return std::find_if(all.begin(), all.end(), [&](const Relation& relation) { return !relation.holds(config); });
  };
  for (auto relation = broken(); relation != all.end(); relation = broken()) {
    for (const std::string_view name : relation->keys) change(*find_key(keys, name), random);
  }
  return config;
}

}  // namespace causalfm::config
