#include "run/place.hpp"

#include "causalfm/storage/error.hpp"

#include <nlohmann/json.hpp>

namespace causalfm::run {

namespace {

using nlohmann::json;

/// The value of `key` if it is there and of this type, else `absent`.
template <typename T>
T value_or(const json& object, const char* key, T absent) {
  try {
    return object.at(key).get<T>();
  } catch (const json::exception&) {
    return absent;
  }
}

}  // namespace

std::filesystem::path lock_file(const RunFolder& run) { return run.path() / "lock.json"; }

std::optional<Place> read_place(storage::FileSystem& file_system, const RunFolder& run) {
  try {
    const std::vector<std::byte> content = file_system.read(lock_file(run));
    const char* const first = reinterpret_cast<const char*>(content.data());
    const json lock = json::parse(first, first + content.size(), nullptr, false);
    if (!lock.is_object()) return {};
    return Place{value_or(lock, "host", std::string()), value_or(lock, "pid", int64_t{0}),
                 value_or(lock, "started", std::string()), value_or(lock, "ranks", int64_t{0}),
                 value_or(lock, "hosts", std::vector<std::string>())};
  } catch (const storage::StorageError&) {  // the run has ended since it was seen
    return {};
  }
}

}  // namespace causalfm::run
