#include "causalfm/data/shard.hpp"

#include "causalfm/storage/hdf5_writer.hpp"

#include <iomanip>
#include <sstream>

namespace causalfm::data {

std::string shard_file(int64_t number) {
  std::ostringstream name;
  name << "shard-" << std::setw(5) << std::setfill('0') << number << ".h5";
  return name.str();
}

std::vector<std::byte> shard_bytes(const ShardContent& content, const std::string& name) {
  using storage::view;
  const int64_t rows = content.observations.rows();
  const std::vector<int64_t> curves = {rows, content.length};
  const bool shares_time = static_cast<int64_t>(content.time.size()) == content.length;
  storage::Hdf5Writer writer(shard_format, shard_version, name);
  writer.write("flux", view(content.flux, curves));
  if (!content.mask.empty()) {
    writer.write("mask", view(content.mask, curves));
  }
  writer.write("time", view(content.time, shares_time ? std::vector<int64_t>{content.length} : curves));
  writer.write("star_id", view(content.observations.star_id, {rows}));
  writer.write("observation_id", view(content.observations.observation_id, {rows}));
  writer.write("instrument_id", view(content.observations.instrument_id, {rows}));
  if (!content.observations.group_id.empty()) {
    writer.write("group_id", view(content.observations.group_id, {rows}));
  }
  for (const auto& [dataset, array] : content.extra) {
    writer.write(dataset, array);
  }
  return writer.finish();
}

}  // namespace causalfm::data
