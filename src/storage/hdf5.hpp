#pragma once

#include "causalfm/storage/array.hpp"

#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>

/// What reader and writer share of HDF5's C library. Every function here expects the caller to hold a Session.
namespace causalfm::storage::hdf5 {

/// Holds the one lock of HDF5's C library, which is not thread-safe, and keeps it from printing its errors. Declare it
/// before any Handle, so that handles close under the lock.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  std::unique_lock<std::mutex> lock_;
  H5E_auto2_t printer_ = nullptr;
  void* printer_data_ = nullptr;
};

/// An identifier of HDF5 and the function that closes it.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);

  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) {
      close_(id_);
    }
  }

  operator hid_t() const { return id_; }

  /// The identifier, which the caller now closes.
  hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }

 private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

/// Throws StorageError: "PLACE: cannot WHAT: HDF5's innermost reason; REMEDY".
[[noreturn]] void fail(const std::string& place, const std::string& what, const std::string& remedy);

/// `id` as a Handle. @throws StorageError as fail does, if the call that made it has failed.
Handle checked(hid_t id, Handle::Close close, const std::string& place, const std::string& what,
               const std::string& remedy);

/// The type in memory; never closed.
hid_t memory_type(ElementType type);

/// The type in our files: little-endian; never closed.
hid_t file_type(ElementType type);

/// A string type of `size` bytes (at least one), UTF-8, padded with NULs.
Handle fixed_string_type(std::size_t size, const std::string& place);

/// Whether an object is there; every group on its way is looked at in turn, as HDF5 demands.
bool exists(hid_t file, const std::string& name);

/// "file: dataset name"
std::string place_of(const std::string& file, const std::string& object);

/// The core driver tells files in memory apart by name alone: each owner gets a name of its own.
std::string unique_file_name(const void* owner);

}  // namespace causalfm::storage::hdf5
