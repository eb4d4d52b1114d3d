#pragma once

#include "causalfm/storage/array.hpp"
#include "causalfm/storage/attribute.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace causalfm::storage {

/// Builds an HDF5 file in memory; the bytes leave through a FileSystem (replace_file). Equal calls give equal bytes:
/// no object carries a time. Every byte that means something is under a checksum: datasets are chunked by rows of some
/// 1 MiB with Fletcher32 (a scalar lies in its checksummed header), metadata is of bounds v110, strings have fixed
/// length (with older bounds or variable-length strings some bit flips pass silently).
/// One damage passes: a chunk that is zero from end to end, its checksum included (Fletcher32 of zeros is zero), so
/// what a run lives on carries a SHA-256 over all besides.
///
/// Names are paths such as "truth/theta"; groups appear as needed. A name is written once.
/// Threads: calls from any thread, one at a time for one object; HDF5's C library is serialised inside.
/// @throws StorageError, always, with the file's name, the dataset and HDF5's reason.
class Hdf5Writer {
 public:
  /// `format` and `version` become root attributes. `name` stands for the file in sentences.
  Hdf5Writer(const std::string& format, int64_t version, std::string name = "an HDF5 file in memory");
  ~Hdf5Writer();
  Hdf5Writer(Hdf5Writer&&) noexcept;
  Hdf5Writer& operator=(Hdf5Writer&&) noexcept;

  void write(const std::string& dataset, const ArrayView& array);

  /// One-dimensional, UTF-8, as long as the longest, padded with zeros: a string may hold no NUL.
  void write_strings(const std::string& dataset, const std::vector<std::string>& values);

  /// On a dataset that is written, or a group, which appears if need be; "/" is the file itself. At most 60 KiB.
  void set_attribute(const std::string& object, const std::string& attribute, const AttributeValue& value);

  /// The whole file. Nothing may be written afterwards.
  std::vector<std::byte> finish();

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace causalfm::storage
