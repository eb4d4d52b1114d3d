#include "app/command_inspect.hpp"

#include "causalfm/data/error.hpp"
#include "causalfm/data/source.hpp"
#include "causalfm/data/summary.hpp"
#include "causalfm/storage/file_system.hpp"

#include <nlohmann/json.hpp>

#include <iomanip>
#include <memory>
#include <ostream>
#include <string>

namespace causalfm::app {
namespace {

using data::DatasetSummary;
using data::FolderCheck;
using data::SplitSummary;
using Json = nlohmann::ordered_json;

constexpr double bytes_a_mib = 1048576.0;

void print_missing(const DatasetSummary& summary, std::ostream& output) {
  output << "missing      ";
  if (!summary.description.has_mask) {
    output << "nothing: every sample is observed\n";
    return;
  }
  output << std::setprecision(2) << 100.0 * summary.missing_fraction << " % of all samples, "
         << 100.0 * summary.largest_missing_fraction << " % of the curve that lacks most, " << summary.empty_curves
         << " curves without a sample\n";
}

void print_split(const char* name, const SplitSummary& split, std::ostream& output) {
  output << "  " << std::left << std::setw(12) << name << std::right << std::setw(10) << split.stars << std::setw(12)
         << split.rows << std::setw(18) << split.triplet_anchors << std::setw(15) << split.pair_anchors << "\n";
}

void print_folder(const FolderCheck& check, bool verify, std::ostream& output) {
  output << "shards       " << check.shards << ", " << std::setprecision(1)
         << static_cast<double>(check.bytes) / bytes_a_mib << " MiB\n";
  if (verify) {
    output << "verified     the sha256 of dataset.json and of every shard, the Fletcher32 checksums of "
           << check.datasets_read << " HDF5 datasets: all right\n";
  }
  for (const std::string& name : check.unlisted) {
    output << "not listed   " << name << " is not part of the data set\n";
  }
}

void print_table(const DatasetSummary& summary, const FolderCheck& check, bool verify, std::ostream& output) {
  const data::SourceDescription& description = summary.description;
  output << std::fixed << description.place << ": " << summary.rows << " light curves of " << description.stars
         << " stars through " << description.instruments.size() << " instruments, " << description.length
         << " samples each\n"
         << "identity     " << description.identity << "\n"
         << "source       star_id of " << description.catalogue << "; time in " << description.time_system
         << (description.shared_time.empty() ? ", a grid for each row" : ", one grid") << "; flux unit "
         << description.flux_unit << "\n";
  print_folder(check, verify, output);
  print_missing(summary, output);
  if (summary.groups > 0) {
    output << "groups       " << summary.groups << "\n";
  }
  output << "triplets     " << summary.triplets << " of " << summary.triplet_anchors << " anchors\n"
         << "pairs        " << summary.pairs << " of " << summary.pair_anchors << " anchors\n"
         << "no positive  " << summary.skipped.stars_with_one_instrument << " stars are seen by one instrument only, "
         << summary.skipped.instruments_with_one_star << " instruments see one star only\n"
         << "\n  split            stars        rows   triplet anchors   pair anchors\n";
  print_split("train", summary.train, output);
  print_split("validation", summary.validation, output);
  print_split("test", summary.test, output);
  output << "\n  instrument        rows   name\n";
  for (const data::Instrument& instrument : description.instruments) {
    output << "  " << std::right << std::setw(10) << instrument.id << std::setw(12) << instrument.rows << "   "
           << instrument.name << "\n";
  }
}

Json to_json(const data::SkippedAnchors& skipped) {
  return {{"rows", skipped.rows},
          {"stars_with_one_instrument", skipped.stars_with_one_instrument},
          {"instruments_with_one_star", skipped.instruments_with_one_star}};
}

Json to_json(const SplitSummary& split) {
  return {{"stars", split.stars},
          {"rows", split.rows},
          {"triplet_anchors", split.triplet_anchors},
          {"pair_anchors", split.pair_anchors},
          {"skipped", to_json(split.skipped)}};
}

Json to_json(const FolderCheck& check, bool verify) {
  Json json = {{"shards", check.shards}, {"bytes", check.bytes}, {"unlisted", check.unlisted}};
  if (verify) {
    json["verified"] = {{"sha256", check.shards + 1}, {"fletcher32_datasets", check.datasets_read}};
  }
  return json;
}

Json to_json(const DatasetSummary& summary, const FolderCheck& check, bool verify) {
  const data::SourceDescription& description = summary.description;
  Json json = {{"folder", description.place},
               {"identity", description.identity},
               {"rows", summary.rows},
               {"length", description.length},
               {"stars", description.stars},
               {"catalogue", description.catalogue},
               {"time_system", description.time_system},
               {"flux_unit", description.flux_unit},
               {"shared_time", !description.shared_time.empty()},
               {"groups", summary.groups},
               {"triplets", summary.triplets},
               {"triplet_anchors", summary.triplet_anchors},
               {"pairs", summary.pairs},
               {"pair_anchors", summary.pair_anchors},
               {"skipped", to_json(summary.skipped)},
               {"missing_fraction", summary.missing_fraction},
               {"largest_missing_fraction", summary.largest_missing_fraction},
               {"empty_curves", summary.empty_curves}};
  json["splits"] = {
      {"train", to_json(summary.train)}, {"validation", to_json(summary.validation)}, {"test", to_json(summary.test)}};
  json["instruments"] = Json::array();
  for (const data::Instrument& instrument : description.instruments) {
    json["instruments"].push_back({{"id", instrument.id},
                                   {"name", instrument.name},
                                   {"key", Json::parse(instrument.key)},
                                   {"rows", instrument.rows}});
  }
  json["files"] = to_json(check, verify);
  return json;
}

void require_no_problems(const FolderCheck& check, const std::filesystem::path& folder, std::ostream& output) {
  if (check.problems.empty()) {
    return;
  }
  if (check.problems.size() == 1) {
    throw data::DataError(check.problems.front());
  }
  for (const std::string& problem : check.problems) {
    output << problem << "\n";
  }
  throw data::DataError(folder.string() + ": " + std::to_string(check.problems.size()) +
                        " problems in its shards, of which the first is: " + check.problems.front());
}

}  // namespace

int inspect(const config::Config& settings, const std::filesystem::path& folder, bool verify, bool json,
            std::ostream& output) {
  const std::shared_ptr<storage::FileSystem> file_system = storage::make_real_file_system();
  const FolderCheck check = data::check_folder(*file_system, folder, verify);
  require_no_problems(check, folder, output);
  const DatasetSummary summary = data::summarize(*data::open_shards(folder), settings.data);
  if (json) {
    output << to_json(summary, check, verify).dump(2) << "\n";
  } else {
    print_table(summary, check, verify, output);
  }
  return 0;
}

}  // namespace causalfm::app
