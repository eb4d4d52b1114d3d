#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "causalfm/data/error.hpp"
#include "causalfm/data/manifest.hpp"
#include "causalfm/storage/hdf5_writer.hpp"
#include "data/written_dataset.hpp"
#include "storage/temporary_folder.hpp"

namespace causalfm::data {
namespace {

using storage::TemporaryFolder;
using testing::AllOf;
using testing::HasSubstr;

/// Opens the data set and reads every curve; the sentence of what refused it.
std::string refusal_of(const std::filesystem::path& folder, int64_t cache_bytes = int64_t{1} << 30) {
  try {
    const auto source = open_shards(folder, cache_bytes);
    std::vector<float> flux(static_cast<size_t>(source->length()));
    for (int64_t row = 0; row < source->rows(); ++row) source->read({&row, 1}, {.flux = flux, .time = {}, .mask = {}});
  } catch (const DataError& error) {
    return error.what();
  }
  return "it was accepted";
}

std::vector<std::byte> read(const std::filesystem::path& file) { return storage::make_real_file_system()->read(file); }

void write(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  storage::make_real_file_system()->write_new(file, bytes);
}

/// The refusal of a data set whose shards were changed before they were written, with true checksums and counts.
std::string refusal_with(const std::function<void(std::vector<ShardContent>&)>& change,
                         const DatasetShape& shape = {}) {
  const TemporaryFolder folder;
  std::vector<ShardContent> shards = random_shards(shape);
  change(shards);
  write_dataset(folder.path(), shards);
  return refusal_of(folder.path());
}

/// The refusal of a true data set whose manifest was changed, with a true checksum.
std::string refusal_with_manifest(const std::function<void(Manifest&)>& change) {
  const TemporaryFolder folder;
  Manifest manifest = write_shards(folder.path(), random_shards({}));
  change(manifest);
  write_manifest(*storage::make_real_file_system(), folder.path(), manifest);
  return refusal_of(folder.path());
}

TEST(Damage, WithoutAnyTheDataSetIsAccepted) {
  EXPECT_EQ(refusal_with([](auto&) {}), "it was accepted");
  EXPECT_EQ(refusal_with_manifest([](auto&) {}), "it was accepted");
}

TEST(Damage, AMissingFolderOrShardIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT(refusal_of(folder / "nowhere"), HasSubstr("holds no dataset.json"));
  write_dataset(folder.path(), random_shards({}));
  std::filesystem::remove(folder / "shard-00001.h5");
  EXPECT_THAT(refusal_of(folder.path()), HasSubstr("shard-00001.h5"));
}

TEST(Damage, AShardCutOffAnywhereIsNoticed) {
  const TemporaryFolder folder;
  write_dataset(folder.path(), random_shards({}));
  const std::vector<std::byte> whole = read(folder / "shard-00000.h5");
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100}, whole.size() / 2, whole.size() - 1}) {
    write(folder / "shard-00000.h5", std::span(whole).first(size));
    for (const int64_t cache_bytes : {int64_t{0}, int64_t{1} << 30}) {
      EXPECT_THAT(refusal_of(folder.path(), cache_bytes), HasSubstr("shard-00000.h5")) << size;
    }
  }
}

TEST(Damage, AnyFlippedBitIsNoticedBeforeItsShardIsUsed) {
  const TemporaryFolder folder;
  write_dataset(folder.path(), random_shards({.has_mask = true}));
  const std::vector<std::byte> whole = read(folder / "shard-00001.h5");
  std::mt19937_64 random(1);
  for (int flip = 0; flip < 150; ++flip) {
    std::vector<std::byte> damaged = whole;
    damaged[random() % damaged.size()] ^= std::byte{1} << (random() % 8);
    write(folder / "shard-00001.h5", damaged);
    EXPECT_THAT(refusal_of(folder.path(), flip % 2 == 0 ? 0 : int64_t{1} << 30), HasSubstr("shard-00001.h5"));
  }
}

TEST(Damage, SwappedShardsAreNoticed) {
  const TemporaryFolder folder;
  write_dataset(folder.path(), random_shards({}));
  std::filesystem::rename(folder / "shard-00000.h5", folder / "other");
  std::filesystem::rename(folder / "shard-00001.h5", folder / "shard-00000.h5");
  std::filesystem::rename(folder / "other", folder / "shard-00001.h5");
  EXPECT_THAT(refusal_of(folder.path()), HasSubstr("its sha256 is not the one in dataset.json"));
}

TEST(Damage, AShardOfOtherRowsIsNamedWithBothNumbers) {
  EXPECT_THAT(refusal_with_manifest([](Manifest& manifest) {
                ++manifest.shards[0].rows;
                --manifest.shards[1].rows;
              }),
              AllOf(HasSubstr("shard-00000.h5: dataset /flux has shape [40, 12] where dataset.json asks for [41, 12]"),
                    HasSubstr("run `causalfm simulate` again")));
}

TEST(Damage, CountsThatDisagreeAreNamed) {
  EXPECT_THAT(refusal_with_manifest([](Manifest& manifest) { ++manifest.stars; }), HasSubstr("states 31 stars"));
  EXPECT_THAT(refusal_with_manifest([](Manifest& manifest) {
                ++manifest.instruments[0].rows;
                --manifest.instruments[1].rows;
              }),
              HasSubstr("rows of instrument 0, its shards hold"));
  EXPECT_THAT(refusal_with_manifest([](Manifest& manifest) { manifest.length = 13; }), HasSubstr("asks for [40, 13]"));
}

TEST(Damage, IdsOutOfRangeAreNamed) {
  EXPECT_THAT(refusal_with([](auto& shards) { shards[0].observations.instrument_id[3] = 5; }),
              HasSubstr("dataset.json"));
  EXPECT_THAT(refusal_with_manifest([](Manifest& manifest) {
                manifest.instruments[3].rows += manifest.instruments[4].rows;
                manifest.instruments.pop_back();
              }),
              HasSubstr("/instrument_id is 4, which is not between 0 and 3"));
  EXPECT_THAT(refusal_with([](auto& shards) { shards[0].observations.star_id[3] = -1; }),
              HasSubstr("row 3 of /star_id is -1"));
  EXPECT_THAT(refusal_with([](auto& shards) { shards[1].observations.group_id[2] = -2; }, {.has_groups = true}),
              HasSubstr("row 2 of /group_id is -2"));
}

TEST(Damage, ARepeatedObservationIsRefused) {
  EXPECT_THAT(refusal_with([](auto& shards) {
                shards[1].observations.observation_id[0] = shards[0].observations.observation_id[0];
              }),
              HasSubstr("an observation_id of its shards is there twice"));
}

TEST(Damage, WhatIsNotFiniteIsRefused) {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    EXPECT_THAT(refusal_with([&](auto& shards) { shards[1].flux[5] = value; }),
                HasSubstr("shard-00001.h5: dataset /flux holds a value that is not finite"));
    EXPECT_THAT(refusal_with([&](auto& shards) { shards[1].time[5] = value; }), HasSubstr("/time holds a value"));
    EXPECT_THAT(refusal_with([&](auto& shards) { shards[1].time[5] = value; }, {.has_own_time = true}),
                HasSubstr("/time holds a value"));
  }
}

/// Writes shard 0 anew from its parts, of which one may be left out or replaced.
std::string refusal_of_shard(const std::string& format, int64_t version, const std::string& changed_dataset,
                             const std::optional<storage::ArrayView>& replacement) {
  const TemporaryFolder folder;
  const std::vector<ShardContent> shards = random_shards({.has_mask = true, .has_groups = true});
  Manifest manifest = write_shards(folder.path(), shards);
  const ShardContent& shard = shards[0];
  const int64_t rows = shard.observations.rows();
  storage::Hdf5Writer writer(format, version);
  const auto add = [&](const std::string& name, const storage::ArrayView& array) {
    if (name != changed_dataset) writer.write(name, array);
    if (name == changed_dataset && replacement) writer.write(name, *replacement);
  };
  add("flux", storage::view(shard.flux, {rows, 12}));
  add("mask", storage::view(shard.mask, {rows, 12}));
  add("time", storage::view(shard.time));
  add("star_id", storage::view(shard.observations.star_id));
  add("observation_id", storage::view(shard.observations.observation_id));
  add("instrument_id", storage::view(shard.observations.instrument_id));
  add("group_id", storage::view(shard.observations.group_id));
  add("of a later version", storage::view(shard.time));
  const std::vector<std::byte> bytes = writer.finish();
  write(folder / "shard-00000.h5", bytes);
  manifest.shards[0].sha256 = storage::sha256_hex(bytes);
  write_manifest(*storage::make_real_file_system(), folder.path(), manifest);
  return refusal_of(folder.path());
}

TEST(Damage, NamesThatAreNotKnownAreIgnored) {
  EXPECT_EQ(refusal_of_shard("causalfm-shard", 1, "none", std::nullopt), "it was accepted");
}

TEST(Damage, AShardOfAnotherFormatOrAHigherVersionIsRefused) {
  EXPECT_THAT(refusal_of_shard("causalfm-run", 1, "none", std::nullopt), HasSubstr("shard-00000.h5"));
  EXPECT_THAT(refusal_of_shard("causalfm-shard", 2, "none", std::nullopt),
              AllOf(HasSubstr("shard-00000.h5"), HasSubstr("version is 2")));
}

TEST(Damage, AMissingDatasetIsNamed) {
  for (const char* name : {"flux", "time", "star_id", "observation_id", "instrument_id"}) {
    EXPECT_THAT(refusal_of_shard("causalfm-shard", 1, name, std::nullopt),
                HasSubstr("shard-00000.h5: dataset /" + std::string(name) + " is missing"));
  }
}

TEST(Damage, ADatasetOfAnotherShapeOrTypeIsNamed) {
  const std::vector<double> doubles(40 * 12, 1.0);
  const std::vector<float> floats(39, 1.0F);
  for (const char* name : {"flux", "mask", "time", "star_id", "observation_id", "instrument_id", "group_id"}) {
    const std::string is_named = "shard-00000.h5: dataset /" + std::string(name);
    EXPECT_THAT(refusal_of_shard("causalfm-shard", 1, name, storage::view(floats)), HasSubstr(is_named));
    const bool is_curve = std::string(name) == "flux" || std::string(name) == "mask";
    const std::vector<int64_t> shape =
        is_curve ? std::vector<int64_t>{40, 12} : std::vector<int64_t>{std::string(name) == "time" ? 12 : 40};
    const auto count = static_cast<size_t>(storage::element_count(shape));
    EXPECT_THAT(refusal_of_shard("causalfm-shard", 1, name,
                                 storage::view(std::span<const double>(doubles).first(count), shape)),
                AllOf(HasSubstr(is_named), HasSubstr("holds float64")));
  }
}

TEST(Damage, ASimulationThatIsNotKnownIsRefused) {
  EXPECT_THAT(refusal_with_manifest([](Manifest& m) { m.source = "{\"simulation\": {\"colour\": 3}}"; }),
              HasSubstr("use the causalfm that wrote the data set"));
}

}  // namespace
}  // namespace causalfm::data
