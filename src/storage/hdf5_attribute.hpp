#pragma once

#include "causalfm/storage/attribute.hpp"

#include <hdf5.h>

#include <string>
#include <vector>

/// Attributes of an open HDF5 object. The caller holds a Session; `place` begins every sentence.
namespace causalfm::storage::hdf5 {

void write_attribute(hid_t object, const std::string& name, const AttributeValue& value, const std::string& place);

AttributeValue read_attribute(hid_t object, const std::string& name, const std::string& place);

/// Names in alphabetical order.
std::vector<std::string> attribute_names(hid_t object, const std::string& place);

/// All strings side by side, each padded with NULs to the longest. @throws StorageError for one that holds a NUL.
struct PackedStrings {
  std::size_t width;  ///< at least 1
  std::string bytes;
};
PackedStrings pack(const std::vector<std::string>& values, const std::string& place);

/// `count` strings of any HDF5 string type. `read` fills a buffer with elements of the memory type it is given, and
/// returns what the HDF5 call returned.
std::vector<std::string> read_strings_with(hid_t type, hid_t space, std::size_t count,
                                           herr_t (*read)(hid_t object, hid_t memory_type, void* buffer), hid_t object,
                                           const std::string& place);

}  // namespace causalfm::storage::hdf5
