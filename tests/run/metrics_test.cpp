#include "causalfm/run/metrics.hpp"

#include "causalfm/storage/error.hpp"
#include "storage/faulty_file_system.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace causalfm::run {
namespace {

using nlohmann::ordered_json;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr double infinity = std::numeric_limits<double>::infinity();

class MetricsTest : public testing::Test {
 protected:
  void append(std::string_view text) { files_->append(file_, std::as_bytes(std::span(text))); }

  std::string text() {
    const std::vector<std::byte> content = files_->read(file_);
    return {reinterpret_cast<const char*>(content.data()), content.size()};
  }

  storage::TemporaryFolder folder_;
  std::shared_ptr<storage::FileSystem> files_ = storage::make_real_file_system();
  std::filesystem::path file_ = folder_ / "metrics.jsonl";
  MetricsWriter writer_{*files_, file_};
};

TEST_F(MetricsTest, KeysStayInOrderAndWhatIsNotFiniteIsText) {
  writer_.write({{"step", 3}, {"loss", std::nan("")}, {"a", infinity}, {"list", {-infinity, 0.5}}});
  EXPECT_EQ(text(), "{\"step\":3,\"loss\":\"nan\",\"a\":\"inf\",\"list\":[\"-inf\",0.5]}\n");
}

TEST_F(MetricsTest, NumbersRoundTripToTheLastBit) {
  std::mt19937_64 random(1);
  std::vector<double> values{
      0.0,          -0.0,     0.1,      1e23, 5e-324, 1.7976931348623157e308, static_cast<double>(0.1F),
      std::nan(""), infinity, -infinity};
  for (int i = 0; i < 500; ++i) {
    values.push_back(std::bit_cast<double>(random()));
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
  }
  for (const double value : values) {
    writer_.write({{"step", std::numeric_limits<int64_t>::max()}, {"value", value}});
  }
  const std::vector<ordered_json> lines = read_metrics(*files_, file_);
  ASSERT_EQ(lines.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double read = to_number(lines[i]["value"]);
    const bool same =
        std::isnan(values[i]) ? std::isnan(read) : std::bit_cast<uint64_t>(read) == std::bit_cast<uint64_t>(values[i]);
    EXPECT_TRUE(same) << values[i];
    EXPECT_EQ(lines[i]["step"], std::numeric_limits<int64_t>::max());
  }
}

TEST_F(MetricsTest, ALineIsOneWrite) {
  storage::FaultyFileSystem counting(*files_);
  MetricsWriter writer(counting, file_);
  writer.write({{"step", 0}, {"loss", 0.5}});
  EXPECT_EQ(counting.operations(), 1);
  sync_metrics(counting, file_);
  counting.lose_power(false);
  EXPECT_EQ(text(), "{\"step\":0,\"loss\":0.5}\n");
}

TEST_F(MetricsTest, WhatTheDiskRefusesIsKeptAndWrittenOnceInOrder) {
  for (const storage::Fault fault : storage::every_fault) {
    for (int64_t later = 0; later < 3; ++later) {
      const std::filesystem::path file = folder_ / "lines.jsonl";
      storage::FaultyFileSystem faulty(*files_);
      MetricsWriter writer(faulty, file);
      EXPECT_EQ(writer.write({{"step", 0}}), "");
      faulty.fail_at(0, fault);
      EXPECT_NE(writer.write({{"step", 1}}), "");
      faulty.fail_at(later, fault);
      writer.write({{"step", 2}});
      faulty.never_fail();
      EXPECT_EQ(writer.write({{"step", 3}}), "");
      std::vector<int> steps;
      for (const ordered_json& line : read_metrics(*files_, file)) steps.push_back(line["step"]);
      EXPECT_THAT(steps, ElementsAre(0, 1, 2, 3));
      files_->remove(file);
    }
  }
}

TEST_F(MetricsTest, AFolderThatComesBackKeepsItsLines) {
  const std::filesystem::path folder = folder_ / "run";
  const std::filesystem::path away = folder_ / "away";
  files_->create_folders(folder);
  for (const bool resumed : {false, true}) {
    MetricsWriter before(*files_, folder / "metrics.jsonl");
    EXPECT_EQ(before.write({{"step", 0}}), "");
    MetricsWriter after(*files_, folder / "metrics.jsonl");
    MetricsWriter& writer = resumed ? after : before;
    std::filesystem::rename(folder, away);
    EXPECT_NE(writer.write({{"step", 1}}), "");
    EXPECT_NE(writer.write({{"step", 2}}), "");
    std::filesystem::rename(away, folder);
    EXPECT_EQ(writer.write({{"step", 3}}), "");
    std::vector<int64_t> steps;
    for (const ordered_json& line : read_metrics(*files_, folder / "metrics.jsonl")) steps.push_back(line["step"]);
    EXPECT_THAT(steps, ElementsAre(0, 1, 2, 3)) << resumed;
    files_->remove(folder / "metrics.jsonl");
  }
}

TEST_F(MetricsTest, ResumeDropsWhatIsDoneAgain) {
  for (int step = 0; step < 6; ++step) {
    writer_.write({{"step", step}, {"loss", 0.5}});
    if (step % 2 == 1) {
      writer_.write({{"step", step + 1}, {"validation_loss", 0.25}});
    }
  }
  const std::string before = text();
  writer_.drop_after_resume(6);
  EXPECT_EQ(text(), before);
  writer_.drop_after_resume(4);
  std::vector<int> training;
  std::vector<int> validation;
  for (const ordered_json& line : read_metrics(*files_, file_)) {
    (line.contains("validation_loss") ? validation : training).push_back(line["step"]);
  }
  EXPECT_THAT(training, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(validation, ElementsAre(2, 4));
  EXPECT_TRUE(before.starts_with(text())) << "lines that stay are not rewritten";
  writer_.drop_after_resume(0);
  EXPECT_EQ(text(), "");
}

TEST_F(MetricsTest, ResumeDropsWhatACrashHasTorn) {
  writer_.write({{"step", 0}});
  append(std::string(20, '\0') + "\n");
  append("{\"step\":1}\n{\"st\n[1]\n\n{\"loss\":1}\n{\"step\":\"2\"}\n{\"step\":2}\n{\"step\":3}");
  writer_.drop_after_resume(100);
  EXPECT_EQ(text(), "{\"step\":0}\n{\"step\":1}\n{\"step\":2}\n");
}

TEST_F(MetricsTest, ResumeWithoutAFileDoesNothing) {
  writer_.drop_after_resume(3);
  sync_metrics(*files_, file_);
  EXPECT_FALSE(files_->exists(file_));
}

TEST_F(MetricsTest, WhateverFailsInAResumeTheFileIsOldOrNew) {
  for (const storage::Fault fault : storage::every_fault) {
    for (int64_t operation = 0; operation < 4; ++operation) {
      const std::string old = "{\"step\":0}\n{\"step\":1}\n{\"step\":2}";
      files_->write_new(file_, std::as_bytes(std::span(old)));
      storage::FaultyFileSystem faulty(*files_);
      MetricsWriter writer(faulty, file_);
      faulty.fail_at(operation, fault);
      EXPECT_THROW(writer.drop_after_resume(1), storage::StorageError);
      EXPECT_THAT(text(), AnyOf(old, "{\"step\":0}\n"));
    }
  }
}

TEST_F(MetricsTest, ReadersPassOverWhatDoesNotParseAndSayWhere) {
  writer_.write({{"step", 0}});
  append("garbage\n{\"step\":1}\n{\"step\":2");
  std::vector<std::string> warnings;
  EXPECT_EQ(read_metrics(*files_, file_, &warnings).size(), 2U);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("metrics.jsonl: line 2 is no line of metrics")));
  EXPECT_EQ(read_metrics(*files_, file_).size(), 2U);
  EXPECT_THROW(read_metrics(*files_, folder_ / "none"), storage::StorageError);
}

TEST_F(MetricsTest, TextsThatAreNoNumbersAreRefused) {
  EXPECT_THROW(to_number("much"), storage::StorageError);
  EXPECT_THROW(to_number(nullptr), storage::StorageError);
  EXPECT_EQ(to_number(3), 3.0);
}

}  // namespace
}  // namespace causalfm::run
