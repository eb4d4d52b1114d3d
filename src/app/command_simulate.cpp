#include "app/command_simulate.hpp"

#include "causalfm/data/dataset_writer.hpp"
#include "causalfm/data/manifest.hpp"
#include "causalfm/data/summary.hpp"
#include "causalfm/storage/file_system.hpp"

#include <chrono>
#include <iomanip>
#include <memory>
#include <ostream>

namespace causalfm::app {
namespace {

constexpr double bytes_a_mib = 1048576.0;

}  // namespace

int simulate(const config::Config& settings, const std::filesystem::path& out, int64_t rank, int64_t world_size,
             const std::function<void()>& barrier, std::ostream& output) {
  const std::shared_ptr<storage::FileSystem> file_system = storage::make_real_file_system();
  const auto begin = std::chrono::steady_clock::now();
  const data::WrittenDataset written =
      data::write_simulated_dataset(*file_system, settings.simulation, out, rank, world_size, barrier);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  if (rank != 0) {
    return 0;
  }
  const data::Manifest manifest = data::read_manifest(*file_system, out);
  const data::FolderCheck check = data::check_folder(*file_system, out, /*verify=*/false);
  output << out.string() << ": " << manifest.rows << " light curves of " << manifest.stars << " stars through "
         << manifest.instruments.size() << " instruments in " << check.shards << " shards, " << std::fixed
         << std::setprecision(1) << static_cast<double>(check.bytes) / bytes_a_mib << " MiB\n";
  if (written.already_there) {
    output << "the folder held this data set already; only what was not whole was written again\n";
  }
  output << "identity " << manifest.identity << ", " << seconds.count() << " s on " << world_size
         << (world_size == 1 ? " rank\n" : " ranks\n");
  return 0;
}

}  // namespace causalfm::app
