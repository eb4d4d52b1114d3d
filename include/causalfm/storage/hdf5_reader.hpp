#pragma once

#include "causalfm/storage/array.hpp"
#include "causalfm/storage/attribute.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace causalfm::storage {

/// Reads an HDF5 file, ours or anyone's, verifying the checksums it carries. Datasets stay open with their chunk cache
/// until the reader goes. Elements come in the machine's byte order whatever the file's.
///
/// Threads: calls from any thread; HDF5's C library is serialised inside, so a slow read delays every other.
/// @throws StorageError, always, with file, dataset, HDF5's reason and a remedy, for damage too
///         (Hdf5Writer tells what its checksums cover).
class Hdf5Reader {
 public:
  /// Opens read-only and without HDF5's file locks, which some cluster file systems refuse.
  explicit Hdf5Reader(const std::filesystem::path& file);

  /// From bytes in memory, which are copied. `name` stands for the file in sentences.
  Hdf5Reader(std::span<const std::byte> bytes, std::string name);

  ~Hdf5Reader();
  Hdf5Reader(Hdf5Reader&&) noexcept;
  Hdf5Reader& operator=(Hdf5Reader&&) noexcept;

  /// The name that stands for the file in sentences: its path, or what was given.
  const std::string& name() const;

  /// Root attributes `format` and `version`.
  std::string format() const;
  int64_t version() const;

  /// @throws StorageError if the file is of another format, or of a version above `newest_version`.
  void expect(const std::string& format, int64_t newest_version) const;

  /// Whether a dataset or group of this name is there.
  bool has(const std::string& name) const;

  /// Names in a group, sorted; "/" is the root. Groups are told from datasets by is_group.
  std::vector<std::string> list(const std::string& group) const;
  bool is_group(const std::string& name) const;

  std::vector<int64_t> shape(const std::string& dataset) const;

  /// @throws StorageError for a dataset whose elements are of none of the five types (strings, float16, …).
  ElementType type(const std::string& dataset) const;

  Array read(const std::string& dataset) const;

  /// Rows first, …, first + count - 1 of the first dimension.
  Array read_rows(const std::string& dataset, int64_t first, int64_t count) const;

  /// Whether read_strings is the way to read it.
  bool is_strings(const std::string& dataset) const;

  /// A one-dimensional dataset of strings, fixed or variable in length.
  std::vector<std::string> read_strings(const std::string& dataset) const;

  bool has_attribute(const std::string& object, const std::string& attribute) const;
  AttributeValue attribute(const std::string& object, const std::string& attribute) const;
  std::map<std::string, AttributeValue> attributes(const std::string& object) const;

  /// The attribute as T, one of AttributeValue's alternatives.
  /// @throws StorageError also if it is of another type.
  template <typename T>
  T attribute_as(const std::string& object, const std::string& attribute) const;

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace causalfm::storage
