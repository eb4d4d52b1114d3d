#include "causalfm/data/counterfactual.hpp"
#include "causalfm/data/source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "causalfm/data/dataset_writer.hpp"
#include "causalfm/data/error.hpp"
#include "causalfm/simulation/simulator.hpp"
#include "data/written_dataset.hpp"
#include "storage/temporary_folder.hpp"

namespace causalfm::data {
namespace {

using storage::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

config::Simulation universe() {
  config::Simulation settings;
  settings.stars = 700;
  settings.instruments = 5;
  settings.curves_per_star = 12;
  settings.length = 80;
  return settings;
}

TEST(Columns, OfShardsAreThoseOfTheSimulationBitForBit) {
  const TemporaryFolder folder;
  write_simulated_dataset(*storage::make_real_file_system(), universe(), folder.path() / "set", 0, 1, [] {});
  const auto simulated = make_simulated_source(universe());
  const auto written = open_shards(folder.path() / "set");
  ASSERT_GT(read_manifest(*storage::make_real_file_system(), folder.path() / "set").shards.size(), 1U);
  EXPECT_THAT(written->columns(), ElementsAre("truth/beta", "truth/gamma", "truth/phase", "truth/theta"));
  EXPECT_EQ(written->columns(), simulated->columns());
  for (const std::string& name : written->columns()) {
    const auto ours = std::get<storage::Array>(written->read_column(name));
    const auto theirs = std::get<storage::Array>(simulated->read_column(name));
    EXPECT_EQ(ours.shape(), theirs.shape()) << name;
    EXPECT_TRUE(std::ranges::equal(ours.as<double>(), theirs.as<double>())) << name;
  }
  EXPECT_EQ(std::get<storage::Array>(written->read_column("truth/theta")).shape().front(), written->rows());
  EXPECT_EQ(std::get<storage::Array>(written->read_column("truth/beta")).shape().front(), 5);
}

TEST(Columns, OnlyThoseOfEveryShardAreThere) {
  const TemporaryFolder folder;
  std::vector<ShardContent> shards = random_shards({});
  ASSERT_GT(shards.size(), 1U);
  std::vector<std::vector<double>> magnitudes;
  for (ShardContent& shard : shards) {
    magnitudes.emplace_back(static_cast<size_t>(shard.observations.rows()));
    std::iota(magnitudes.back().begin(), magnitudes.back().end(), 100.0 * static_cast<double>(magnitudes.size()));
  }
  for (size_t i = 0; i < shards.size(); ++i) {
    shards[i].extra.emplace_back("survey/magnitude", storage::view(magnitudes[i]));
  }
  shards.front().extra.emplace_back("survey/teff", storage::view(magnitudes.front()));
  write_dataset(folder.path(), shards);
  const auto source = open_shards(folder.path());
  EXPECT_THAT(source->columns(), ElementsAre("survey/magnitude"));
  const auto read = std::get<storage::Array>(source->read_column("survey/magnitude"));
  ASSERT_EQ(read.shape().front(), source->rows());
  EXPECT_EQ(read.as<double>()[0], 100.0);
  EXPECT_EQ(read.as<double>()[magnitudes.front().size()], 200.0);
  EXPECT_THAT([&] { source->read_column("survey/teff"); }, ThrowsMessage<DataError>(HasSubstr("survey/teff")));
}

TEST(Columns, OfAnotherTypeInAnotherShardAreRefused) {
  const TemporaryFolder folder;
  std::vector<ShardContent> shards = random_shards({});
  std::vector<double> doubles(static_cast<size_t>(shards.front().observations.rows()), 1.0);
  std::vector<std::vector<float>> floats;
  floats.reserve(shards.size());
  for (const ShardContent& shard : shards) floats.emplace_back(static_cast<size_t>(shard.observations.rows()), 1.0F);
  for (size_t i = 0; i < shards.size(); ++i) {
    shards[i].extra.emplace_back("survey/ra", i == 0 ? storage::view(doubles) : storage::view(floats[i]));
  }
  write_dataset(folder.path(), shards);
  const auto source = open_shards(folder.path());
  EXPECT_THAT([&] { source->read_column("survey/ra"); }, ThrowsMessage<DataError>(HasSubstr("survey/ra")));
}

TEST(NoiselessCurves, OfTheOwnInstrumentDifferFromTheDataByTheNoiseAlone) {
  config::Simulation settings = universe();
  settings.noise = 0.01;
  const auto source = make_simulated_source(settings);
  std::vector<int64_t> rows(500);
  std::iota(rows.begin(), rows.end(), int64_t{37});
  std::vector<int64_t> instruments;
  instruments.reserve(rows.size());
  for (const int64_t row : rows) instruments.push_back(source->observations().instrument_id[row]);
  const std::vector<float> clean = noiseless_curves(*source, rows, instruments);
  std::vector<float> flux(clean.size());
  source->read(rows, {.flux = flux, .time = {}, .mask = {}});
  double sum_of_squares = 0.0;
  for (size_t i = 0; i < flux.size(); ++i) sum_of_squares += std::pow(double{flux[i]} - clean[i], 2);
  EXPECT_NEAR(std::sqrt(sum_of_squares / static_cast<double>(flux.size())), 0.01, 1e-4);
}

TEST(NoiselessCurves, OfAnotherInstrumentKeepStarAndPhases) {
  const config::Simulation settings = universe();
  const auto source = make_simulated_source(settings);
  const int64_t row = 101;
  const std::vector<int64_t> rows = {row, row};
  const std::vector<int64_t> instruments = {0, 3};
  const std::vector<float> curves = noiseless_curves(*source, rows, instruments);
  const simulation::Simulator simulator(settings);
  const int64_t star = source->observations().star_id[row];
  const std::vector<simulation::Observation> wanted = {{star, 0, row}, {star, 3, row}};
  std::vector<double> expected(curves.size());
  simulator.noiseless(wanted, expected);
  for (size_t i = 0; i < curves.size(); ++i) EXPECT_FLOAT_EQ(curves[i], static_cast<float>(expected[i]));
  EXPECT_FALSE(std::equal(curves.begin(), curves.begin() + 80, curves.begin() + 80));
}

TEST(NoiselessCurves, NeedSimulatedDataAndInstrumentsThatExist) {
  const TemporaryFolder folder;
  write_dataset(folder.path(), random_shards({}));
  const std::vector<int64_t> row = {0};
  const std::vector<int64_t> sixth = {5};
  EXPECT_THAT([&] { noiseless_curves(*open_shards(folder.path()), row, row); },
              ThrowsMessage<DataError>(HasSubstr("was not simulated")));
  EXPECT_THAT([&] { noiseless_curves(*make_simulated_source(universe()), row, sixth); },
              ThrowsMessage<DataError>(HasSubstr("instrument 5")));
}

}  // namespace
}  // namespace causalfm::data
