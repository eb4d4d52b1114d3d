#include "storage/hdf5_attribute.hpp"

#include "causalfm/storage/error.hpp"
#include "storage/hdf5.hpp"

#include <algorithm>

namespace causalfm::storage::hdf5 {

namespace {

/// An object header's message holds 64 KiB; what is larger goes to heaps that no checksum guards.
constexpr std::size_t largest_attribute = 60 * 1024;

const char* const damaged = "restore the file from a copy or make it again";

/// What the variant holds, as HDF5 wants it.
struct Content {
  Handle type;
  Handle space;
  std::size_t bytes;
  const void* data;
};

Handle space_of(const std::vector<hsize_t>& shape, const std::string& place) {
  return checked(
      shape.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
      H5Sclose, place, "describe an attribute", "free memory");
}

Content content_of(const PackedStrings& packed, const std::vector<hsize_t>& shape, const std::string& place) {
  return {fixed_string_type(packed.width, place), space_of(shape, place), packed.bytes.size(), packed.bytes.data()};
}

template <typename T>
Content content_of(const T* data, std::size_t count, const std::vector<hsize_t>& shape, const std::string& place) {
  return {checked(H5Tcopy(file_type(element_type_of<T>())), H5Tclose, place, "describe an attribute", "free memory"),
          space_of(shape, place), count * sizeof(T), data};
}

void write_content(hid_t object, const std::string& name, const Content& content, hid_t memory_type,
                   const std::string& place) {
  if (content.bytes > largest_attribute) {
    throw StorageError(place + ": attribute " + name + " has " + std::to_string(content.bytes) + " bytes, at most " +
                       std::to_string(largest_attribute) + " fit: write it as a dataset");
  }
  const std::string what = "write attribute " + name;
  const Handle attribute =
      checked(H5Acreate2(object, name.c_str(), content.type, content.space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, place,
              what, "write each attribute once");
  if (content.bytes != 0 && H5Awrite(attribute, memory_type, content.data) < 0) {
    fail(place, what, "free memory");
  }
}

struct Writer {
  hid_t object;
  const std::string& name;
  const std::string& place;

  void operator()(const std::string& value) const {
    const PackedStrings packed = pack({value}, place);
    const Content content = content_of(packed, {}, place);
    write_content(object, name, content, content.type, place);
  }
  void operator()(const std::vector<std::string>& values) const {
    const PackedStrings packed = pack(values, place);
    const Content content = content_of(packed, {values.size()}, place);
    write_content(object, name, content, content.type, place);
  }
  template <typename T>
  void operator()(const T& value) const {
    write_content(object, name, content_of(&value, 1, {}, place), memory_type(element_type_of<T>()), place);
  }
  template <typename T>
  void operator()(const std::vector<T>& values) const {
    write_content(object, name, content_of(values.data(), values.size(), {values.size()}, place),
                  memory_type(element_type_of<T>()), place);
  }
};

template <typename T>
AttributeValue read_numbers(hid_t attribute, std::size_t count, bool scalar, const std::string& name,
                            const std::string& place) {
  std::vector<T> values(count);
  if (count != 0 && H5Aread(attribute, memory_type(element_type_of<T>()), values.data()) < 0) {
    fail(place, "read attribute " + name, damaged);
  }
  if (scalar) {
    return values.front();
  }
  return values;
}

herr_t read_attribute_as(hid_t attribute, hid_t type, void* buffer) { return H5Aread(attribute, type, buffer); }

/// A string of `width` bytes as its padding says where it ends.
std::string unpadded(const char* bytes, std::size_t width, H5T_str_t padding) {
  std::string text(bytes, width);
  if (padding == H5T_STR_NULLTERM) {
    return text.substr(0, text.find('\0'));
  }
  const std::size_t last = text.find_last_not_of(padding == H5T_STR_SPACEPAD ? ' ' : '\0');
  return last == std::string::npos ? std::string() : text.substr(0, last + 1);
}

}  // namespace

PackedStrings pack(const std::vector<std::string>& values, const std::string& place) {
  PackedStrings packed{1, {}};
  for (const std::string& value : values) {
    if (value.find('\0') != std::string::npos) {
      throw StorageError(place + ": the text " + value.substr(0, value.find('\0')) +
                         "… holds a NUL byte, which no fixed-length string can: remove it");
    }
    packed.width = std::max(packed.width, value.size());
  }
  packed.bytes.reserve(packed.width * values.size());
  for (const std::string& value : values) {
    packed.bytes += value;
    packed.bytes.append(packed.width - value.size(), '\0');
  }
  return packed;
}

void write_attribute(hid_t object, const std::string& name, const AttributeValue& value, const std::string& place) {
  std::visit(Writer{object, name, place}, value);
}

AttributeValue read_attribute(hid_t object, const std::string& name, const std::string& place) {
  const std::string what = "read attribute " + name;
  const Handle attribute = checked(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, place, what, damaged);
  const Handle type = checked(H5Aget_type(attribute), H5Tclose, place, what, damaged);
  const Handle space = checked(H5Aget_space(attribute), H5Sclose, place, what, damaged);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  const bool scalar = H5Sget_simple_extent_ndims(space) == 0 && count == 1;
  if (count < 0) {
    fail(place, what, damaged);
  }
  const auto elements = static_cast<std::size_t>(count);
  switch (H5Tget_class(type)) {
    case H5T_STRING: {
      const auto texts = read_strings_with(type, space, elements, read_attribute_as, attribute, place + ": " + name);
      return scalar ? AttributeValue(texts.front()) : AttributeValue(texts);
    }
    case H5T_INTEGER:
      return read_numbers<int64_t>(attribute, elements, scalar, name, place);
    case H5T_FLOAT:
      return read_numbers<double>(attribute, elements, scalar, name, place);
    default:
      throw StorageError(place + ": attribute " + name + " is neither text nor number: write it as one of these");
  }
}

std::vector<std::string> attribute_names(hid_t object, const std::string& place) {
  const std::string what = "list the attributes";
  std::vector<std::string> names;
  const auto take = [](hid_t, const char* name, const H5A_info_t*, void* into) -> herr_t {
    static_cast<std::vector<std::string>*>(into)->emplace_back(name);
    return 0;
  };
  hsize_t position = 0;
  if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, &position, take, &names) < 0) {
    fail(place, what, damaged);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> read_strings_with(hid_t type, hid_t space, std::size_t count,
                                           herr_t (*read)(hid_t, hid_t, void*), hid_t object,
                                           const std::string& place) {
  std::vector<std::string> texts;
  if (count == 0) {
    return texts;
  }
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> pointers(count, nullptr);
    if (read(object, type, pointers.data()) < 0) {
      fail(place, "read text", damaged);
    }
    for (const char* pointer : pointers) {
      texts.emplace_back(pointer == nullptr ? "" : pointer);
    }
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, pointers.data());
    return texts;
  }
  const std::size_t width = H5Tget_size(type);
  std::string bytes(width * count, '\0');
  if (read(object, type, bytes.data()) < 0) {
    fail(place, "read text", damaged);
  }
  for (std::size_t i = 0; i < count; ++i) {
    texts.push_back(unpadded(bytes.data() + i * width, width, H5Tget_strpad(type)));
  }
  return texts;
}

}  // namespace causalfm::storage::hdf5
