#include "causalfm/storage/atomic_file.hpp"

#include "causalfm/storage/error.hpp"

#include <unistd.h>

#include <string>

namespace causalfm::storage {

namespace {

constexpr std::string_view partial_mark = ".partial-";

/// Process and thread make the name one that nobody else writes at this moment.
std::filesystem::path partial_path(const std::filesystem::path& file) {
  std::string name = ".";
  name += file.filename().string();
  name += partial_mark;
  name += std::to_string(::getpid()) + "-" + std::to_string(::gettid());
  return file.parent_path() / name;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

void remove_quietly(FileSystem& file_system, const std::filesystem::path& file) noexcept {
  try {
    file_system.remove(file);
  } catch (...) {  // the first failure is the one to tell; the rest is removed by whoever cleans the folder
  }
}

}  // namespace

void replace_file(FileSystem& file_system, const std::filesystem::path& file, std::span<const std::byte> content) {
  const std::filesystem::path partial = partial_path(file);
  try {
    file_system.write_new(partial, content);
    file_system.sync_file(partial);
    file_system.rename(partial, file);
  } catch (const StorageError&) {
    remove_quietly(file_system, partial);
    throw;
  }
  file_system.sync_folder(folder_of(file));
}

void replace_file(FileSystem& file_system, const std::filesystem::path& file, std::string_view content) {
  replace_file(file_system, file, std::as_bytes(std::span(content)));
}

bool is_partial_file(std::string_view name) {
  return name.starts_with('.') && name.find(partial_mark) != std::string_view::npos;
}

}  // namespace causalfm::storage
