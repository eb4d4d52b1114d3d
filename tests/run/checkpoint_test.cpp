#include "causalfm/run/checkpoint.hpp"

#include "causalfm/storage/error.hpp"
#include "causalfm/storage/hdf5_writer.hpp"
#include "run/sample_checkpoint.hpp"
#include "storage/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace causalfm::run {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <typename Call>
std::string sentence(Call call) {
  try {
    call();
  } catch (const storage::StorageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(CheckpointTest, ComesBackBitForBitInItsOrder) {
  const Checkpoint checkpoint = sample_checkpoint(500);
  const Checkpoint read = decode(encode(checkpoint), "memory");
  EXPECT_TRUE(equal(read, checkpoint));
  for (const auto& [name, tensor] : read.tensors) {
    EXPECT_TRUE(tensor.is_contiguous() && tensor.is_cpu()) << name;
  }
}

TEST(CheckpointTest, RandomTensorsOfEveryBitPatternComeBack) {
  std::mt19937_64 random(1);
  constexpr at::ScalarType types[] = {at::kFloat, at::kDouble, at::kLong, at::kInt, at::kByte};
  for (int trial = 0; trial < 30; ++trial) {
    Checkpoint checkpoint;
    for (int i = 0; i < 6; ++i) {
      std::vector<int64_t> shape(random() % 4);
      std::generate(shape.begin(), shape.end(), [&] { return static_cast<int64_t>(random() % 6); });
      const at::Tensor tensor = at::empty(shape, types[random() % 5]);
      auto* const bytes = static_cast<unsigned char*>(tensor.mutable_data_ptr());
      std::generate(bytes, bytes + tensor.nbytes(), [&] { return static_cast<unsigned char>(random() >> 56); });
      checkpoint.tensors.emplace_back("model/" + std::to_string(random()), tensor);
    }
    EXPECT_TRUE(equal(decode(encode(checkpoint), "memory"), checkpoint));
  }
}

TEST(CheckpointTest, ABareOneAndNumbersThatAreNotFiniteComeBack) {
  EXPECT_TRUE(equal(decode(encode(Checkpoint{}), "memory"), Checkpoint{}));
  Checkpoint checkpoint;
  checkpoint.best_value = std::nan("");
  checkpoint.numbers = {{"low", -std::numeric_limits<double>::infinity()}, {"tiny", 5e-324}};
  EXPECT_TRUE(equal(decode(encode(checkpoint), "memory"), checkpoint));
}

TEST(CheckpointTest, EqualCheckpointsAreEqualBytes) {
  EXPECT_EQ(encode(sample_checkpoint(7)), encode(sample_checkpoint(7)));
  EXPECT_NE(encode(sample_checkpoint(7)), encode(sample_checkpoint(8)));
}

TEST(CheckpointTest, ParametersThatWantGradientsAndViewsOfFlatBuffersAreStored) {
  const at::Tensor flat = at::arange(12, at::kFloat);
  Checkpoint checkpoint;
  checkpoint.tensors = {{"model/parameter", flat.narrow(0, 4, 6).view({2, 3}).detach().requires_grad_(true)}};
  const Checkpoint read = decode(encode(checkpoint), "memory");
  EXPECT_TRUE(at::equal(read.tensor("model/parameter"), at::arange(4, 10, at::kFloat).view({2, 3})));
  EXPECT_FALSE(read.tensor("model/parameter").requires_grad());
}

TEST(CheckpointTest, MissingTensorsAndTypesThatNoFileHoldsAreSentences) {
  Checkpoint checkpoint = sample_checkpoint(500);
  EXPECT_THAT(sentence([&] { checkpoint.tensor("model/none"); }),
              HasSubstr("the checkpoint of step 500 has no tensor model/none"));
  checkpoint.tensors.emplace_back("model/half", at::zeros({2}, at::kHalf));
  EXPECT_THAT(sentence([&] { encode(checkpoint); }), AllOf(HasSubstr("model/half"), HasSubstr("Half")));
}

TEST(CheckpointTest, TwoTensorsOfOneNameAreRefused) {
  Checkpoint checkpoint = sample_checkpoint(500);
  checkpoint.tensors.push_back(checkpoint.tensors.front());
  EXPECT_THAT(sentence([&] { encode(checkpoint); }), HasSubstr("the checkpoint of step 500"));
}

TEST(CheckpointTest, OtherFormatsAndNewerVersionsAreRefused) {
  storage::Hdf5Writer shard("causalfm-shard", 1);
  EXPECT_THAT(sentence([&] { decode(shard.finish(), "a.h5"); }), HasSubstr("a.h5: its format is causalfm-shard"));
  storage::Hdf5Writer newer("causalfm-checkpoint", 2);
  EXPECT_THAT(sentence([&] { decode(newer.finish(), "a.h5"); }), HasSubstr("a.h5: its version is 2"));
  storage::Hdf5Writer bare("causalfm-checkpoint", 1);
  EXPECT_THAT(sentence([&] { decode(bare.finish(), "a.h5"); }), HasSubstr("a.h5: cannot read attribute step"));
}

TEST(CheckpointTest, FilesThatAreMissingAreSentences) {
  const auto files = storage::make_real_file_system();
  EXPECT_THAT(sentence([&] { load_checkpoint(*files, "/no/such.h5"); }), HasSubstr("/no/such.h5: cannot read"));
}

}  // namespace
}  // namespace causalfm::run
