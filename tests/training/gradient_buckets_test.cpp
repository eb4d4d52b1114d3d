#include "causalfm/training/gradient_buckets.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

namespace causalfm::training {
namespace {

using testing::ElementsAre;

constexpr int64_t mebibyte = 1 << 20;

model::Parameters parameters_of(const std::vector<int64_t>& sizes, at::ScalarType dtype = at::kFloat) {
  model::Parameters parameters(at::TensorOptions().dtype(dtype));
  for (size_t i = 0; i < sizes.size(); ++i) parameters.add(std::to_string(i), at::zeros({sizes[i]}, dtype));
  parameters.seal();
  return parameters;
}

TEST(GradientBuckets, GoFromTheEndToTheStart) {
  // 64 KiB are 16384 float32, an eighth of the whole is less.
  const model::Parameters parameters = parameters_of({16, 16368, 16384, 8000, 8000, 384, 20'000});
  const std::vector<GradientBucket> buckets = gradient_buckets(parameters, 4);
  ASSERT_EQ(buckets.size(), 4);
  const auto expect = [&](size_t index, int64_t first, int64_t elements, int64_t count) {
    EXPECT_EQ(buckets[index].first, first);
    EXPECT_EQ(buckets[index].elements, elements);
    EXPECT_EQ(buckets[index].parameters, count);
  };
  expect(0, 49152, 20'000, 1);  // larger than a bucket
  expect(1, 32768, 16384, 3);
  expect(2, 16384, 16384, 1);
  expect(3, 0, 16384, 2);
}

std::vector<int64_t> kibibytes_of_buckets(const std::vector<int64_t>& sizes, int64_t bucket_mib) {
  std::vector<int64_t> kibibytes;
  for (const GradientBucket& bucket : gradient_buckets(parameters_of(sizes), bucket_mib)) {
    kibibytes.push_back(bucket.elements * 4 / 1024);
  }
  return kibibytes;
}

TEST(GradientBuckets, AreAnEighthOfTheModelAndSmallerTowardsTheEnd) {
  EXPECT_THAT(kibibytes_of_buckets(std::vector<int64_t>(512, 1024), 4),  // 2 MiB
              ElementsAre(256, 256, 256, 256, 256, 192, 144, 108, 80, 64, 64, 64, 52));
  EXPECT_THAT(kibibytes_of_buckets(std::vector<int64_t>(32, 1024), 4), ElementsAre(64, 64));
  EXPECT_THAT(kibibytes_of_buckets({256, 512}, 4), ElementsAre(3));
  const std::vector<int64_t> large(24 * 16, mebibyte / 64);  // 24 MiB, of which an eighth is 3
  EXPECT_EQ(kibibytes_of_buckets(large, 4).front(), 3072);
  EXPECT_EQ(kibibytes_of_buckets(large, 2).front(), 2048);
  EXPECT_EQ(kibibytes_of_buckets(large, 4).back(), 64);
}

TEST(GradientBuckets, AreFullRunsOfWholeParameters) {
  std::mt19937_64 random(1);
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::vector<int64_t> sizes(1 + random() % 60);
    for (int64_t& size : sizes) size = 1 + static_cast<int64_t>(random() % (random() % 4 == 0 ? 400'000 : 20'000));
    const at::ScalarType dtype = random() % 2 == 0 ? at::kFloat : at::kDouble;
    const model::Parameters parameters = parameters_of(sizes, dtype);
    const int64_t bucket_mib = 1 + static_cast<int64_t>(random() % 3);
    const auto element_bytes = static_cast<int64_t>(elementSize(dtype));
    const int64_t gradient_bytes = parameters.flat_gradients().numel() * element_bytes;

    int64_t end = parameters.flat_gradients().numel();
    auto entry = parameters.entries().rbegin();
    int64_t previous_bytes = 0;
    int64_t most_of_previous = 0;
    for (const GradientBucket& bucket : gradient_buckets(parameters, bucket_mib)) {
      ASSERT_EQ(bucket.first + bucket.elements, end);
      ASSERT_GE(bucket.parameters, 1);
      const int64_t share = std::min(gradient_bytes / 8, end * element_bytes / 4);
      const int64_t most = std::min(bucket_mib * mebibyte, std::max<int64_t>(share, 65536));
      const auto last_of_bucket = entry;
      entry += bucket.parameters;
      ASSERT_EQ(std::prev(entry)->offset, bucket.first);
      if (bucket.parameters > 1) {
        EXPECT_LE(bucket.elements * element_bytes, most);
      }
      if (previous_bytes > 0) {
        const int64_t next_bytes = (end - last_of_bucket->offset) * element_bytes;
        EXPECT_GT(previous_bytes + next_bytes, most_of_previous) << "the bucket before had room";
      }
      previous_bytes = bucket.elements * element_bytes;
      most_of_previous = most;
      end = bucket.first;
    }
    EXPECT_EQ(end, 0);
    EXPECT_EQ(entry, parameters.entries().rend());
  }
}

}  // namespace
}  // namespace causalfm::training
