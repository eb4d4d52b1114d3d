#include "storage/hdf5.hpp"

#include "causalfm/storage/error.hpp"

namespace causalfm::storage::hdf5 {

namespace {

/// The only state of this room that outlives a call, for the library below has one too. What the library still holds
/// of a damaged file makes its own closing at exit print "infinite loop closing library": it is told not to close.
std::mutex& library_mutex() {
  static std::mutex mutex;
  static const herr_t told = H5dont_atexit();
  static_cast<void>(told);
  return mutex;
}

herr_t take_innermost(unsigned int position, const H5E_error2_t* error, void* reason) {
  if (position == 0 && error->desc != nullptr) {
    *static_cast<std::string*>(reason) = error->desc;
  }
  return 0;
}

std::string innermost_reason() {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, &reason);
  return reason.empty() ? "HDF5 gives no reason" : reason;
}

}  // namespace

Session::Session() : lock_(library_mutex()) {
  H5Eget_auto2(H5E_DEFAULT, &printer_, &printer_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Session::~Session() { H5Eset_auto2(H5E_DEFAULT, printer_, printer_data_); }

void fail(const std::string& place, const std::string& what, const std::string& remedy) {
  throw StorageError(place + ": cannot " + what + ": " + innermost_reason() + "; " + remedy);
}

Handle checked(hid_t id, Handle::Close close, const std::string& place, const std::string& what,
               const std::string& remedy) {
  if (id < 0) {
    fail(place, what, remedy);
  }
  return {id, close};
}

hid_t memory_type(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return H5T_NATIVE_FLOAT;
    case ElementType::float64:
      return H5T_NATIVE_DOUBLE;
    case ElementType::int32:
      return H5T_NATIVE_INT32;
    case ElementType::int64:
      return H5T_NATIVE_INT64;
    case ElementType::uint8:
      return H5T_NATIVE_UINT8;
  }
  throw StorageError("an element type that does not exist: a defect of the caller");
}

hid_t file_type(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return H5T_IEEE_F32LE;
    case ElementType::float64:
      return H5T_IEEE_F64LE;
    case ElementType::int32:
      return H5T_STD_I32LE;
    case ElementType::int64:
      return H5T_STD_I64LE;
    case ElementType::uint8:
      return H5T_STD_U8LE;
  }
  throw StorageError("an element type that does not exist: a defect of the caller");
}

Handle fixed_string_type(std::size_t size, const std::string& place) {
  const std::string what = "make a string type";
  const std::string remedy = "free memory";
  Handle type = checked(H5Tcopy(H5T_C_S1), H5Tclose, place, what, remedy);
  if (H5Tset_size(type, size == 0 ? 1 : size) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0 ||
      H5Tset_strpad(type, H5T_STR_NULLPAD) < 0) {
    fail(place, what, remedy);
  }
  return type;
}

bool exists(hid_t file, const std::string& name) {
  for (std::size_t end = name.find('/', 1); !name.empty(); end = name.find('/', end + 1)) {
    const std::string prefix = name.substr(0, end);
    if (prefix != "/" && H5Lexists(file, prefix.c_str(), H5P_DEFAULT) <= 0) {
      return false;
    }
    if (end == std::string::npos) {
      break;
    }
  }
  return !name.empty();
}

std::string place_of(const std::string& file, const std::string& object) {
  return object == "/" ? file : file + ": " + object;
}

std::string unique_file_name(const void* owner) {
  return "causalfm-in-memory-" + std::to_string(reinterpret_cast<std::uintptr_t>(owner));
}

}  // namespace causalfm::storage::hdf5
