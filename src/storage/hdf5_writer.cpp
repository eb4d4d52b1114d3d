#include "causalfm/storage/hdf5_writer.hpp"

#include "causalfm/storage/error.hpp"
#include "storage/hdf5.hpp"
#include "storage/hdf5_attribute.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace causalfm::storage {

using hdf5::checked;
using hdf5::fail;
using hdf5::Handle;
using hdf5::place_of;
using hdf5::Session;

namespace {

constexpr std::size_t chunk_bytes = 1 << 20;  // what HDF5's chunk cache of a dataset holds by default
constexpr std::size_t growth_bytes = 4 << 20;
constexpr unsigned int most_compact_attributes = 65535;
const char* const out_of_memory = "free memory or write less into one file";

/// Object creation properties without times and with every attribute in the object's checksummed header: HDF5 would
/// move many to a heap that keeps those above 4 KiB outside any checksum.
Handle creation_properties(hid_t kind, const std::string& place) {
  Handle properties = checked(H5Pcreate(kind), H5Pclose, place, "describe an object", out_of_memory);
  if (H5Pset_obj_track_times(properties, false) < 0 ||
      H5Pset_attr_phase_change(properties, most_compact_attributes, 0) < 0) {
    fail(place, "describe an object", out_of_memory);
  }
  return properties;
}

/// Rows of some 1 MiB, of nearly equal number so that the last chunk wastes little; a row above 1 MiB is cut too.
std::vector<hsize_t> chunk_shape(const std::vector<hsize_t>& shape, std::size_t element_bytes) {
  std::vector<hsize_t> chunk(shape);
  std::size_t bytes = element_bytes;
  for (hsize_t& size : chunk) {
    size = std::max<hsize_t>(size, 1);
    bytes *= size;
  }
  for (std::size_t axis = 0; axis < chunk.size() && bytes > chunk_bytes; ++axis) {
    const hsize_t size = chunk[axis];
    const std::size_t inner = bytes / size;
    const hsize_t most = std::max<hsize_t>(1, chunk_bytes / inner);
    const hsize_t chunks = (size + most - 1) / most;
    chunk[axis] = (size + chunks - 1) / chunks;
    bytes = inner * chunk[axis];
  }
  return chunk;
}

void create_groups_above(hid_t file, const std::string& object, const std::string& place) {
  for (std::size_t end = object.find('/', 1); end != std::string::npos; end = object.find('/', end + 1)) {
    const std::string group = object.substr(0, end);
    if (!hdf5::exists(file, group)) {
      const Handle properties = creation_properties(H5P_GROUP_CREATE, place);
      const Handle created = checked(H5Gcreate2(file, group.c_str(), H5P_DEFAULT, properties, H5P_DEFAULT), H5Gclose,
                                     place, "create group " + group, out_of_memory);
    }
  }
}

void set_layout(hid_t properties, const std::vector<hsize_t>& shape, std::size_t element_bytes,
                const std::string& place) {
  if (shape.empty()) {
    if (H5Pset_layout(properties, H5D_COMPACT) < 0) {
      fail(place, "describe the dataset", out_of_memory);
    }
    return;
  }
  const std::vector<hsize_t> chunk = chunk_shape(shape, element_bytes);
  if (H5Pset_chunk(properties, static_cast<int>(chunk.size()), chunk.data()) < 0 || H5Pset_fletcher32(properties) < 0) {
    fail(place, "describe the dataset", out_of_memory);
  }
}

/// A dimension of size 0 may grow, for HDF5 allows no chunk larger than a dimension that may not.
Handle data_space(const std::vector<hsize_t>& shape, const std::string& place) {
  std::vector<hsize_t> largest(shape);
  std::replace(largest.begin(), largest.end(), hsize_t{0}, H5S_UNLIMITED);
  return checked(shape.empty() ? H5Screate(H5S_SCALAR)
                               : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), largest.data()),
                 H5Sclose, place, "describe the dataset", "give at most 32 dimensions");
}

void write_dataset(hid_t file, const std::string& dataset, hid_t type_in_file, hid_t type_in_memory,
                   const std::vector<hsize_t>& shape, const void* data, const std::string& place) {
  create_groups_above(file, dataset, place);
  const Handle space = data_space(shape, place);
  const Handle properties = creation_properties(H5P_DATASET_CREATE, place);
  set_layout(properties, shape, H5Tget_size(type_in_file), place);
  const Handle created =
      checked(H5Dcreate2(file, dataset.c_str(), type_in_file, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose,
              place, "create the dataset", "write each name once, outside other datasets");
  const bool empty = std::find(shape.begin(), shape.end(), hsize_t{0}) != shape.end();
  if (!empty && H5Dwrite(created, type_in_memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
    fail(place, "write the dataset", out_of_memory);
  }
}

/// The memory that HDF5's core driver works in. H5Fget_file_image would copy it out of the open file, but in files of
/// bounds v110 it clears the mark "open for writing" without renewing the checksum over it (seen with 1.10.8), so the
/// memory is caught as H5Fclose lets go of it.
struct Image {
  std::unique_ptr<void, decltype(&std::free)> memory{nullptr, &std::free};
  std::size_t size = 0;
};

void* grow(void* memory, std::size_t size, H5FD_file_image_op_t, void* image) {
  void* const grown = std::realloc(memory, size);
  if (grown != nullptr) {
    static_cast<Image*>(image)->size = size;
  }
  return grown;
}

herr_t let_go(void* memory, H5FD_file_image_op_t, void* image) {
  static_cast<Image*>(image)->memory.reset(memory);
  return 0;
}

void* same(void* image) { return image; }

herr_t keep(void*) { return 0; }

Handle create_in_memory(Image& image, const std::string& name) {
  const std::string what = "create it";
  const Handle access = checked(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, name, what, out_of_memory);
  H5FD_file_image_callbacks_t callbacks{nullptr, nullptr, grow, let_go, same, keep, &image};
  if (H5Pset_fapl_core(access, growth_bytes, false) < 0 || H5Pset_file_image_callbacks(access, &callbacks) < 0 ||
      H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0) {
    fail(name, what, "use HDF5 1.10 or newer");
  }
  const Handle creation = creation_properties(H5P_FILE_CREATE, name);
  return checked(H5Fcreate(hdf5::unique_file_name(&image).c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose, name,
                 what, out_of_memory);
}

/// The end of the file as its superblock says (version 3 of the format's specification, III.A: eight bytes at 28);
/// the memory is longer, for it grows in steps.
std::size_t end_of_file(const Image& image) {
  uint64_t end = 0;
  if (image.size >= 36) {
    std::memcpy(&end, static_cast<const std::byte*>(image.memory.get()) + 28, sizeof(end));
  }
  return end;
}

}  // namespace

struct Hdf5Writer::File {
  std::string name;
  Image image;
  Handle file;

  ~File() {
    const Session session;
    file = Handle();
  }
};

Hdf5Writer::Hdf5Writer(const std::string& format, int64_t version, std::string name) : file_(std::make_unique<File>()) {
  {
    const Session session;
    file_->name = std::move(name);
    file_->file = create_in_memory(file_->image, file_->name);
  }
  set_attribute("/", "format", format);
  set_attribute("/", "version", version);
}

Hdf5Writer::~Hdf5Writer() = default;
Hdf5Writer::Hdf5Writer(Hdf5Writer&&) noexcept = default;
Hdf5Writer& Hdf5Writer::operator=(Hdf5Writer&&) noexcept = default;

void Hdf5Writer::write(const std::string& dataset, const ArrayView& array) {
  const Session session;
  element_count(array.shape);
  write_dataset(file_->file, dataset, hdf5::file_type(array.type), hdf5::memory_type(array.type),
                std::vector<hsize_t>(array.shape.begin(), array.shape.end()), array.data,
                place_of(file_->name, dataset));
}

void Hdf5Writer::write_strings(const std::string& dataset, const std::vector<std::string>& values) {
  const Session session;
  const std::string place = place_of(file_->name, dataset);
  const hdf5::PackedStrings packed = hdf5::pack(values, place);
  const Handle type = hdf5::fixed_string_type(packed.width, place);
  write_dataset(file_->file, dataset, type, type, {values.size()}, packed.bytes.data(), place);
}

void Hdf5Writer::set_attribute(const std::string& object, const std::string& attribute, const AttributeValue& value) {
  const Session session;
  const std::string place = place_of(file_->name, object);
  if (object != "/" && !hdf5::exists(file_->file, object)) {
    create_groups_above(file_->file, object + "/", place);
  }
  const Handle opened = checked(H5Oopen(file_->file, object.c_str(), H5P_DEFAULT), H5Oclose, place,
                                "set attribute " + attribute, "name a dataset or group of this file");
  hdf5::write_attribute(opened, attribute, value, place);
}

std::vector<std::byte> Hdf5Writer::finish() {
  const Session session;
  const std::string what = "take its bytes";
  if (file_->file < 0) {
    throw StorageError(file_->name + ": cannot " + what + ": they were taken before; finish once");
  }
  if (H5Fclose(file_->file.release()) < 0) {
    fail(file_->name, what, out_of_memory);
  }
  const Image image = std::move(file_->image);
  const std::size_t size = end_of_file(image);
  if (size == 0 || size > image.size) {
    throw StorageError(file_->name + ": cannot " + what + ": HDF5 has not written all of them; " + out_of_memory);
  }
  const auto* const first = static_cast<const std::byte*>(image.memory.get());
  return {first, first + size};
}

}  // namespace causalfm::storage
