#include "causalfm/config/load.hpp"

#include "causalfm/config/document.hpp"
#include "causalfm/config/error.hpp"
#include "config/check.hpp"
#include "config/keys.hpp"
#include "config/nearest.hpp"
#include "config/text.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>

namespace causalfm::config {

namespace {

[[noreturn]] void refuse_unknown(const std::vector<Key>& keys, std::string_view name, const std::string& place) {
  throw ConfigError(place + ": unknown key " + in_quotes(name) + "; did you mean '" +
                    std::string(nearest_name(keys, name)) + "'?");
}

[[noreturn]] void refuse_value(const Key& key, const YAML::Node& value, const std::string& place) {
  throw ConfigError(place + ": " + in_quotes(key.name) + " is " + shown(value) + "; expected " +
                    key.setting->expectation());
}

bool is_section(std::string_view name) {
  const std::vector<Section> all = sections();
  return std::any_of(all.begin(), all.end(), [name](const Section& section) { return section.name == name; });
}

/// Fills a Config from documents and overrides, in the order given, and remembers where each key was set.
class Reader {
 public:
  Reader() : keys_(keys_of(config_)) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void read_document(std::string_view yaml, std::string_view name) {
    const YAML::Node root = single_document(yaml, name, true);
    if (root.IsNull()) return;
    if (!root.IsMap()) {
      throw ConfigError(line_place(name, root.Mark()) + ": the document is " + shown(root) +
                        "; expected keys with values, as in 'seed: 7'");
    }
    read_map(root, {}, name);
  }

  void read_override(std::string_view override_text) {
    const std::string place = "--set " + shown(override_text);
    const size_t equals = override_text.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
      throw ConfigError(place + ": not of the form key=value; write for example --set train.steps=100");
    }
    const std::string_view key = override_text.substr(0, equals);
    const YAML::Node value = single_document(override_text.substr(equals + 1), place, false);
    if (is_section(key)) {
      throw ConfigError(place + ": " + in_quotes(key) + " is a section; set one of its keys, as in " +
                        first_key_of(key) + "=...");
    }
    assign(key, value, place);
  }

  Config finish() const {
    check(config_, keys_, places_);
    return config_;
  }

 private:
  void read_map(const YAML::Node& map, std::string_view section, std::string_view document) {
    std::map<std::string, int> line_of;
    for (const auto& entry : map) {
      const std::string place = line_place(document, entry.first.Mark());
      if (!entry.first.IsScalar()) throw ConfigError(place + ": a key is " + shown(entry.first) + "; expected a word");
      const std::string& word = entry.first.Scalar();
      const std::string name = section.empty() ? word : std::string(section) + '.' + word;
      const auto [first, is_new] = line_of.emplace(word, entry.first.Mark().line + 1);
      if (!is_new) {
        throw ConfigError(place + ": key " + in_quotes(name) + " is given again, first on line " +
                          std::to_string(first->second) + "; remove one of the two");
      }
      if (section.empty() && is_section(word)) {
        read_section(entry.second, word, place, document);
      } else {
        if (section.empty()) refuse_dotted(word, place);
        assign(name, entry.second, place);
      }
    }
  }

  void read_section(const YAML::Node& value, std::string_view section, const std::string& place,
                    std::string_view document) {
    if (value.IsNull()) return;  // all its keys are commented out
    if (!value.IsMap()) {
      throw ConfigError(place + ": section " + in_quotes(section) + " is " + shown(value) +
                        "; expected keys with values, indented, on the lines below it");
    }
    read_map(value, section, document);
  }

  void refuse_dotted(std::string_view word, const std::string& place) const {
    const Key* key = find_key(keys_, word);
    if (key == nullptr || key->section().empty()) return;
    throw ConfigError(place + ": key " + in_quotes(word) + " stands outside its section; write " +
                      in_quotes(key->last_name()) + " under '" + std::string(key->section()) + ":'");
  }

  void assign(std::string_view name, const YAML::Node& value, const std::string& place) {
    const Key* key = find_key(keys_, name);
    if (key == nullptr) {
      refuse_unknown(keys_, name, place);
    }
    if (!key->setting->read(value)) refuse_value(*key, value, place);
    places_[std::string(name)] = place;
  }

  std::string first_key_of(std::string_view section) const {
    const auto key = std::find_if(keys_.begin(), keys_.end(), [=](const Key& one) { return one.section() == section; });
    return std::string(key->name);
  }

  Config config_;
  std::vector<Key> keys_;  // refers to config_
  Places places_;
};

}  // namespace

Config load(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  return parse(file.empty() ? std::string() : read_text(file), file.string(), overrides);
}

Config parse(std::string_view yaml, std::string_view name, const std::vector<std::string>& overrides) {
  Reader reader;
  reader.read_document(yaml, name);
  for (const std::string& override_text : overrides) reader.read_override(override_text);
  return reader.finish();
}

void require_key(std::string_view name, const std::string& place) {
  Config defaults;
  const std::vector<Key> keys = keys_of(defaults);
  if (find_key(keys, name) == nullptr) refuse_unknown(keys, name, place);
}

bool takes_integers(std::string_view name) {
  Config defaults;
  const std::vector<Key> keys = keys_of(defaults);
  const Key* key = find_key(keys, name);
  return key != nullptr && key->setting->read(YAML::Load("1")) && !key->setting->read(YAML::Load("1.5"));
}

std::string canonical_value(std::string_view name, const YAML::Node& value, const std::string& place) {
  Config defaults;
  const std::vector<Key> keys = keys_of(defaults);
  const Key* key = find_key(keys, name);
  if (key == nullptr) refuse_unknown(keys, name, place);
  if (!key->setting->read(value) || !key->setting->in_range()) refuse_value(*key, value, place);
  return key->setting->text();
}

}  // namespace causalfm::config
