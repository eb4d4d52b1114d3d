#include "causalfm/storage/hdf5_reader.hpp"

#include "causalfm/storage/error.hpp"
#include "storage/hdf5.hpp"
#include "storage/hdf5_attribute.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace causalfm::storage {

using hdf5::checked;
using hdf5::fail;
using hdf5::Handle;
using hdf5::place_of;
using hdf5::Session;

namespace {

const char* const damaged = "restore the file from a copy or make it again";

Handle open_dataset(hid_t file, const std::string& name, const std::string& dataset) {
  return checked(H5Dopen2(file, dataset.c_str(), H5P_DEFAULT), H5Dclose, place_of(name, dataset), "open the dataset",
                 damaged);
}

Handle open_object(hid_t file, const std::string& name, const std::string& object) {
  return checked(H5Oopen(file, object.c_str(), H5P_DEFAULT), H5Oclose, place_of(name, object), "open it", damaged);
}

Handle access_properties(const std::string& name) {
  return checked(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, name, "open it", "free memory");
}

Handle open_file(const char* file, hid_t access, const std::string& name) {
  return checked(H5Fopen(file, H5F_ACC_RDONLY, access), H5Fclose, name, "open it as HDF5", damaged);
}

Handle open_path(const std::string& file) {
  if (::access(file.c_str(), R_OK) == -1) {
    throw StorageError(file + ": cannot open it: " + std::generic_category().message(errno) +
                       "; check the path and the right to read it");
  }
  const Handle access = access_properties(file);
#if H5_VERSION_GE(1, 10, 7)
  H5Pset_file_locking(access, false, true);
#endif
  return open_file(file.c_str(), access, file);
}

Handle open_bytes(std::span<const std::byte> bytes, const std::string& unique, const std::string& name) {
  if (bytes.empty()) {
    throw StorageError(name + ": cannot open it as HDF5: it is empty; " + damaged);
  }
  const Handle access = access_properties(name);
  // HDF5 copies the image and only reads it, but its signature is not const.
  void* image = const_cast<std::byte*>(bytes.data());
  if (H5Pset_fapl_core(access, 1 << 20, false) < 0 || H5Pset_file_image(access, image, bytes.size()) < 0) {
    fail(name, "open it from memory", "free memory");
  }
  return open_file(unique.c_str(), access, name);
}

std::vector<int64_t> shape_of(hid_t dataset, const std::string& place) {
  const Handle space = checked(H5Dget_space(dataset), H5Sclose, place, "read the shape", damaged);
  if (H5Sget_simple_extent_type(space) == H5S_NULL) {
    throw StorageError(place + ": it holds nothing, not even a shape: write it as an array");
  }
  const int dimensions = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> sizes(static_cast<std::size_t>(std::max(dimensions, 0)));
  if (dimensions < 0 || H5Sget_simple_extent_dims(space, sizes.data(), nullptr) < 0) {
    fail(place, "read the shape", damaged);
  }
  return {sizes.begin(), sizes.end()};
}

ElementType type_of(hid_t dataset, const std::string& place) {
  const Handle type = checked(H5Dget_type(dataset), H5Tclose, place, "read the type", damaged);
  const H5T_class_t kind = H5Tget_class(type);
  const std::size_t size = H5Tget_size(type);
  const bool is_signed = kind == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
  if (kind == H5T_FLOAT && size == 4) {
    return ElementType::float32;
  }
  if (kind == H5T_FLOAT && size == 8) {
    return ElementType::float64;
  }
  if (is_signed && size == 4) {
    return ElementType::int32;
  }
  if (is_signed && size == 8) {
    return ElementType::int64;
  }
  if (kind == H5T_INTEGER && !is_signed && size == 1) {
    return ElementType::uint8;
  }
  throw StorageError(place + ": its elements are none of float32, float64, int32, int64, uint8: write it as one of " +
                     "these, or read text by read_strings");
}

void read_into(hid_t dataset, Array& array, hid_t memory_space, hid_t file_space, const std::string& place) {
  const bool empty = array.bytes().empty();
  if (!empty && H5Dread(dataset, hdf5::memory_type(array.type()), memory_space, file_space, H5P_DEFAULT,
                        array.bytes().data()) < 0) {
    fail(place, "read the dataset", damaged);
  }
}

void require_rows(const std::vector<int64_t>& shape, int64_t first, int64_t count, const std::string& place) {
  if (shape.empty()) {
    throw StorageError(place + ": it is a scalar and has no rows: read it whole");
  }
  const int64_t rows = shape.front();
  if (first < 0 || count < 0 || first > rows || count > rows - first) {
    throw StorageError(place + ": rows " + std::to_string(first) + " to " + std::to_string(first) + " + " +
                       std::to_string(count) + " were asked for, it has " + std::to_string(rows) +
                       ": ask for rows that are there");
  }
}

Handle row_selection(hid_t dataset, std::vector<hsize_t> extent, int64_t first, const std::string& place) {
  Handle space = checked(H5Dget_space(dataset), H5Sclose, place, "select rows", damaged);
  std::vector<hsize_t> start(extent.size(), 0);
  start.front() = static_cast<hsize_t>(first);
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr) < 0) {
    fail(place, "select rows", damaged);
  }
  return space;
}

herr_t read_dataset_as(hid_t dataset, hid_t type, void* buffer) {
  return H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer);
}

}  // namespace

struct Hdf5Reader::File {
  std::string name;
  Handle file;
  std::map<std::string, Handle> datasets;  ///< open ones, for their chunk caches

  hid_t dataset(const std::string& of_name) {
    const auto found = datasets.find(of_name);
    return found != datasets.end() ? found->second
                                   : datasets.emplace(of_name, open_dataset(file, name, of_name)).first->second;
  }

  ~File() {
    const Session session;
    datasets.clear();
    file = Handle();
  }
};

Hdf5Reader::Hdf5Reader(const std::filesystem::path& file) : file_(std::make_unique<File>()) {
  const Session session;
  file_->name = file.string();
  file_->file = open_path(file_->name);
}

Hdf5Reader::Hdf5Reader(std::span<const std::byte> bytes, std::string name) : file_(std::make_unique<File>()) {
  const Session session;
  file_->name = std::move(name);
  file_->file = open_bytes(bytes, hdf5::unique_file_name(file_.get()), file_->name);
}

Hdf5Reader::~Hdf5Reader() = default;
Hdf5Reader::Hdf5Reader(Hdf5Reader&&) noexcept = default;
Hdf5Reader& Hdf5Reader::operator=(Hdf5Reader&&) noexcept = default;

const std::string& Hdf5Reader::name() const { return file_->name; }

std::string Hdf5Reader::format() const { return attribute_as<std::string>("/", "format"); }

int64_t Hdf5Reader::version() const { return attribute_as<int64_t>("/", "version"); }

void Hdf5Reader::expect(const std::string& expected, int64_t newest_version) const {
  if (!has_attribute("/", "format") || !has_attribute("/", "version")) {
    throw StorageError(file_->name + ": it has no attributes format and version, so it is not a file of format " +
                       expected + ": give a file of that format");
  }
  if (format() != expected) {
    throw StorageError(file_->name + ": its format is " + format() + ", not " + expected +
                       ": give a file of that format");
  }
  if (version() > newest_version) {
    throw StorageError(file_->name + ": its version is " + std::to_string(version()) + " of format " + expected +
                       ", this program reads up to " + std::to_string(newest_version) +
                       ": use the newer causalfm that wrote it");
  }
}

bool Hdf5Reader::has(const std::string& object) const {
  const Session session;
  return hdf5::exists(file_->file, object);
}

std::vector<std::string> Hdf5Reader::list(const std::string& group) const {
  const Session session;
  const std::string place = place_of(file_->name, group);
  const Handle opened =
      checked(H5Gopen2(file_->file, group.c_str(), H5P_DEFAULT), H5Gclose, place, "open the group", damaged);
  const auto take = [](hid_t, const char* link, const H5L_info_t*, void* into) -> herr_t {
    static_cast<std::vector<std::string>*>(into)->emplace_back(link);
    return 0;
  };
  std::vector<std::string> names;
  // In its native order: for any other HDF5 1.10.8 fills a table and, where the group is damaged, releases what it has
  // not filled.
  if (H5Literate(opened, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, take, &names) < 0) {
    fail(place, "list the group", damaged);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool Hdf5Reader::is_group(const std::string& object) const {
  const Session session;
  return H5Iget_type(open_object(file_->file, file_->name, object)) == H5I_GROUP;
}

std::vector<int64_t> Hdf5Reader::shape(const std::string& dataset) const {
  const Session session;
  return shape_of(file_->dataset(dataset), place_of(file_->name, dataset));
}

ElementType Hdf5Reader::type(const std::string& dataset) const {
  const Session session;
  return type_of(file_->dataset(dataset), place_of(file_->name, dataset));
}

Array Hdf5Reader::read(const std::string& dataset) const {
  const Session session;
  const std::string place = place_of(file_->name, dataset);
  const hid_t opened = file_->dataset(dataset);
  Array array(type_of(opened, place), shape_of(opened, place));
  read_into(opened, array, H5S_ALL, H5S_ALL, place);
  return array;
}

Array Hdf5Reader::read_rows(const std::string& dataset, int64_t first, int64_t count) const {
  const Session session;
  const std::string place = place_of(file_->name, dataset);
  const hid_t opened = file_->dataset(dataset);
  std::vector<int64_t> shape = shape_of(opened, place);
  require_rows(shape, first, count, place);
  shape.front() = count;
  Array array(type_of(opened, place), shape);
  const std::vector<hsize_t> extent(shape.begin(), shape.end());
  const Handle rows = row_selection(opened, extent, first, place);
  const Handle memory = checked(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose,
                                place, "select rows", "free memory");
  read_into(opened, array, memory, rows, place);
  return array;
}

bool Hdf5Reader::is_strings(const std::string& dataset) const {
  const Session session;
  const Handle type =
      checked(H5Dget_type(file_->dataset(dataset)), H5Tclose, place_of(file_->name, dataset), "read the type", damaged);
  return H5Tget_class(type) == H5T_STRING;
}

std::vector<std::string> Hdf5Reader::read_strings(const std::string& dataset) const {
  const Session session;
  const std::string place = place_of(file_->name, dataset);
  const hid_t opened = file_->dataset(dataset);
  const Handle type = checked(H5Dget_type(opened), H5Tclose, place, "read the type", damaged);
  const std::vector<int64_t> shape = shape_of(opened, place);
  if (H5Tget_class(type) != H5T_STRING || shape.size() != 1) {
    throw StorageError(place + ": it is not a list of texts: read it as numbers, or write it as texts");
  }
  const Handle space = checked(H5Dget_space(opened), H5Sclose, place, "read the shape", damaged);
  return hdf5::read_strings_with(type, space, static_cast<std::size_t>(shape.front()), read_dataset_as, opened, place);
}

bool Hdf5Reader::has_attribute(const std::string& object, const std::string& attribute) const {
  const Session session;
  const Handle opened = open_object(file_->file, file_->name, object);
  const htri_t found = H5Aexists(opened, attribute.c_str());
  if (found < 0) {
    fail(place_of(file_->name, object), "look for attribute " + attribute, damaged);
  }
  return found > 0;
}

AttributeValue Hdf5Reader::attribute(const std::string& object, const std::string& attribute) const {
  const Session session;
  return hdf5::read_attribute(open_object(file_->file, file_->name, object), attribute, place_of(file_->name, object));
}

std::map<std::string, AttributeValue> Hdf5Reader::attributes(const std::string& object) const {
  const Session session;
  const std::string place = place_of(file_->name, object);
  const Handle opened = open_object(file_->file, file_->name, object);
  std::map<std::string, AttributeValue> values;
  for (const std::string& name : hdf5::attribute_names(opened, place)) {
    values.emplace(name, hdf5::read_attribute(opened, name, place));
  }
  return values;
}

template <typename T>
T Hdf5Reader::attribute_as(const std::string& object, const std::string& name) const {
  AttributeValue value = attribute(object, name);
  T* const wanted = std::get_if<T>(&value);
  if (wanted == nullptr) {
    throw StorageError(place_of(file_->name, object) + ": attribute " + name +
                       " is of another type than its format says: " + damaged);
  }
  return std::move(*wanted);
}

template std::string Hdf5Reader::attribute_as(const std::string&, const std::string&) const;
template int64_t Hdf5Reader::attribute_as(const std::string&, const std::string&) const;
template double Hdf5Reader::attribute_as(const std::string&, const std::string&) const;
template std::vector<std::string> Hdf5Reader::attribute_as(const std::string&, const std::string&) const;
template std::vector<int64_t> Hdf5Reader::attribute_as(const std::string&, const std::string&) const;
template std::vector<double> Hdf5Reader::attribute_as(const std::string&, const std::string&) const;

}  // namespace causalfm::storage
