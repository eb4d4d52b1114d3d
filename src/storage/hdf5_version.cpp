#include "causalfm/storage/hdf5_version.hpp"

#include "storage/hdf5.hpp"

namespace causalfm::storage {

std::string hdf5_version() {
  const hdf5::Session session;
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

}  // namespace causalfm::storage
