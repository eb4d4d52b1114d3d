#pragma once

#include "causalfm/storage/file_system.hpp"
#include "causalfm/sweep/description.hpp"
#include "causalfm/sweep/trial.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace causalfm::sweep {

/// How a trial's process failed.
struct Failure {
  int code = 0;
  std::string sentence;
};

/// The folder of a sweep: the sweep itself and its base, so that nothing else is needed to go on, and a run for each
/// trial. `file_system` must outlive it. Local.
/// @throws storage::StorageError where a file cannot be written or read.
class SweepFolder {
 public:
  /// Creates the folder, or takes another version of the sweep into it: its trials stay, and those that both have are
  /// the same runs. @throws SweepError when the base is another one, which its trials were not run with.
  static SweepFolder create(storage::FileSystem& file_system, const std::filesystem::path& folder,
                            std::string_view yaml, const Description& description);

  /// @throws SweepError if there is no sweep in `folder`.
  static SweepFolder open(storage::FileSystem& file_system, const std::filesystem::path& folder);

  storage::FileSystem& file_system() const { return *file_system_; }
  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path sweep_file() const { return folder_ / "sweep.yaml"; }
  std::filesystem::path base_file() const { return folder_ / "base.yaml"; }
  std::filesystem::path lock_file() const { return folder_ / "lock.json"; }
  std::filesystem::path run(const Trial& trial) const { return folder_ / "trials" / trial.name; }
  std::filesystem::path output_file(const Trial& trial) const { return folder_ / "output" / (trial.name + ".txt"); }
  std::filesystem::path failure_file(const Trial& trial) const { return folder_ / "failures" / (trial.name + ".json"); }
  /// Where `causalfm evaluate` puts what it finds after so many steps.
  std::filesystem::path report(const Trial& trial, int64_t steps) const;
  /// The data set that trials of this simulation are evaluated on.
  std::filesystem::path data_set(const config::Config& config) const;

  Description description() const;
  std::vector<Trial> trials(const Description& description) const;

  void write_failure(const Trial& trial, const Failure& failure) const;
  void remove_failure(const Trial& trial) const;
  std::optional<Failure> read_failure(const Trial& trial) const;

 private:
  SweepFolder(storage::FileSystem& file_system, std::filesystem::path folder)
      : file_system_(&file_system), folder_(std::move(folder)) {}

  storage::FileSystem* file_system_;
  std::filesystem::path folder_;
};

}  // namespace causalfm::sweep
