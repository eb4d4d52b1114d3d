#include "causalfm/data/manifest.hpp"

#include "causalfm/data/error.hpp"
#include "causalfm/storage/atomic_file.hpp"
#include "causalfm/storage/checksum.hpp"
#include "causalfm/storage/error.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <utility>

namespace causalfm::data {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* restore = "restore the data set, or remove the file and run `causalfm simulate` again";

/// The text up to the comma before the last key, which is `sha256`: what that hash is over.
std::string_view hashed_part(std::string_view text) {
  const size_t key = text.rfind("\"sha256\"");
  if (key == std::string_view::npos) {
    return {};
  }
  const size_t last = text.substr(0, key).find_last_not_of(" \t\r\n");
  return last == std::string_view::npos || text[last] != ',' ? std::string_view{} : text.substr(0, last);
}

/// Everything after the hashed part, without white space: `,"sha256":"..."}`.
std::string tail_without_space(std::string_view text, size_t begin) {
  std::string tail;
  for (const char character : text.substr(begin)) {
    if (std::string_view(" \t\r\n").find(character) == std::string_view::npos) {
      tail += character;
    }
  }
  return tail;
}

void check_own_hash(std::string_view text, const std::string& name) {
  const std::string_view hashed = hashed_part(text);
  const std::string expected = storage::sha256_hex(std::as_bytes(std::span(hashed)));
  if (hashed.empty() || tail_without_space(text, hashed.size()) != ",\"sha256\":\"" + expected + "\"}") {
    throw DataError(name +
                    ": its content does not match the sha256 at its end, so it was changed or damaged: " + restore);
  }
}

/// Reads the fields of one JSON object with sentences that name the file and the field.
class Fields {
 public:
  Fields(const Json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) {
      throw DataError(place_ + " is no JSON object: " + restore);
    }
  }

  int64_t count(const char* key) const {
    const Json& value = at(key);
    if (!value.is_number_integer() || value.get<int64_t>() < 0) {
      throw DataError(place_ + ": " + key + " is no whole number from 0 on: " + restore);
    }
    return value.get<int64_t>();
  }

  std::string text(const char* key) const {
    const Json& value = at(key);
    if (!value.is_string()) {
      throw DataError(place_ + ": " + key + " is no string: " + restore);
    }
    return value.get<std::string>();
  }

  const Json& list(const char* key) const {
    const Json& value = at(key);
    if (!value.is_array()) {
      throw DataError(place_ + ": " + key + " is no list: " + restore);
    }
    return value;
  }

  const Json& at(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) {
      throw DataError(place_ + " has no " + key + ": " + restore);
    }
    return *found;
  }

 private:
  const Json& object_;
  std::string place_;
};

Json parse_json(std::string_view text, const std::string& name) {
  Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) {
    throw DataError(name + " is no JSON, so it was cut off or damaged: " + restore);
  }
  return document;
}

void check_format(const Fields& fields, const std::string& name) {
  if (fields.text("format") != dataset_format) {
    throw DataError(name + " has format \"" + fields.text("format") + "\" where a data set has \"" + dataset_format +
                    "\": give the folder of a data set");
  }
  if (fields.count("version") > dataset_version) {
    throw DataError(name + " is of version " + std::to_string(fields.count("version")) +
                    ", this program reads versions up to " + std::to_string(dataset_version) +
                    ": use a newer causalfm");
  }
}

std::vector<Instrument> parse_instruments(const Fields& fields, const std::string& name) {
  std::vector<Instrument> instruments;
  for (const Json& entry : fields.list("instruments")) {
    const Fields instrument(entry, name + ": instrument " + std::to_string(instruments.size()));
    instruments.push_back(
        {instrument.count("id"), instrument.text("name"), instrument.at("key").dump(), instrument.count("rows")});
    if (instruments.back().id != static_cast<int64_t>(instruments.size()) - 1) {
      throw DataError(name + ": instrument " + std::to_string(instruments.size() - 1) + " of the list has id " +
                      std::to_string(instruments.back().id) + ", ids count from 0 in order: " + restore);
    }
  }
  return instruments;
}

std::vector<ShardEntry> parse_shards(const Fields& fields, const std::string& name) {
  std::vector<ShardEntry> shards;
  std::set<std::string> files;
  for (const Json& entry : fields.list("shards")) {
    const Fields shard(entry, name + ": shard " + std::to_string(shards.size()));
    shards.push_back({shard.text("file"), shard.count("rows"), shard.text("sha256")});
    const std::string& file = shards.back().file;
    const bool is_plain = !file.empty() && file != "." && file != ".." && file.find('/') == std::string::npos;
    if (!is_plain || !files.insert(file).second) {
      throw DataError(name + ": shard " + std::to_string(shards.size() - 1) + " is in file \"" + file +
                      "\", which is no plain name of its own: " + restore);
    }
  }
  return shards;
}

template <typename Entries>
void check_sum(const Entries& entries, const char* what, const Manifest& manifest, const std::string& name) {
  int64_t sum = 0;
  for (const auto& entry : entries) {
    sum += entry.rows;
  }
  if (sum != manifest.rows) {
    throw DataError(name + ": its " + what + " have " + std::to_string(sum) + " rows, the data set has " +
                    std::to_string(manifest.rows) + ": " + restore);
  }
}

}  // namespace

std::string to_text(const Manifest& manifest) {
  Json document = {
      {"format", dataset_format},        {"version", dataset_version},          {"identity", manifest.identity},
      {"rows", manifest.rows},           {"length", manifest.length},           {"stars", manifest.stars},
      {"catalogue", manifest.catalogue}, {"time_system", manifest.time_system}, {"flux_unit", manifest.flux_unit}};
  document["instruments"] = Json::array();
  for (const Instrument& instrument : manifest.instruments) {
    document["instruments"].push_back({{"id", instrument.id},
                                       {"name", instrument.name},
                                       {"key", Json::parse(instrument.key)},
                                       {"rows", instrument.rows}});
  }
  document["shards"] = Json::array();
  for (const ShardEntry& shard : manifest.shards) {
    document["shards"].push_back({{"file", shard.file}, {"rows", shard.rows}, {"sha256", shard.sha256}});
  }
  document["source"] = Json::parse(manifest.source);
  std::string text = document.dump(2);
  text.resize(text.rfind("\n}"));
  const std::string hash = storage::sha256_hex(std::as_bytes(std::span(text)));
  return text + ",\n  \"sha256\": \"" + hash + "\"\n}\n";
}

Manifest parse_manifest(std::string_view text, const std::string& name) {
  const Json document = parse_json(text, name);
  const Fields fields(document, name);
  check_format(fields, name);
  check_own_hash(text, name);
  Manifest manifest;
  manifest.identity = fields.text("identity");
  manifest.rows = fields.count("rows");
  manifest.length = fields.count("length");
  if (manifest.length == 0) {
    throw DataError(name + ": length is 0, a curve has at least one sample: " + restore);
  }
  manifest.stars = fields.count("stars");
  manifest.catalogue = fields.text("catalogue");
  manifest.time_system = fields.text("time_system");
  manifest.flux_unit = fields.text("flux_unit");
  manifest.instruments = parse_instruments(fields, name);
  manifest.shards = parse_shards(fields, name);
  manifest.source = fields.at("source").dump();
  check_sum(manifest.shards, "shards", manifest, name);
  check_sum(manifest.instruments, "instruments", manifest, name);
  return manifest;
}

Manifest read_manifest(storage::FileSystem& file_system, const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / manifest_file;
  try {
    if (!file_system.exists(file)) {
      throw DataError(folder.string() + " holds no " + manifest_file +
                      ", so it is no data set or one that was not finished: make one with `causalfm simulate`, or "
                      "give another folder");
    }
    const std::vector<std::byte> bytes = file_system.read(file);
    return parse_manifest({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file.string());
  } catch (const storage::StorageError& error) {
    throw DataError(error.what());
  }
}

void write_manifest(storage::FileSystem& file_system, const std::filesystem::path& folder, const Manifest& manifest) {
  storage::replace_file(file_system, folder / manifest_file, to_text(manifest));
}

}  // namespace causalfm::data
