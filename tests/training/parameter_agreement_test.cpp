#include "causalfm/training/parameter_agreement.hpp"

#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace causalfm::training {
namespace {

using testing::AllOf;
using testing::HasSubstr;

model::Parameters some_parameters(at::ScalarType dtype = at::kFloat) {
  model::Parameters parameters{at::TensorOptions().dtype(dtype)};
  for (const char* name : {"alpha", "beta", "gamma"}) {
    parameters.add(name, at::arange(35, at::kDouble).view({5, 7}).sub(11.3).to(dtype));
  }
  parameters.seal();
  return parameters;
}

template <typename Word>
void flip(const at::Tensor& tensor, int64_t element, int bit) {
  auto* const place = static_cast<char*>(tensor.mutable_data_ptr()) + element * static_cast<int64_t>(sizeof(Word));
  Word word;
  std::memcpy(&word, place, sizeof(word));
  word ^= Word{1} << bit;
  std::memcpy(place, &word, sizeof(word));
}

/// The sentence of every rank, after `spoil` was called on each; empty where they agree.
std::vector<std::string> sentences(int64_t ranks, const std::function<void(int64_t, model::Parameters&)>& spoil) {
  std::vector<std::string> found(ranks);
  comm::run_ranks_as_threads(ranks, {}, [&](comm::Communicator& communicator) {
    model::Parameters parameters = some_parameters();
    spoil(communicator.rank(), parameters);
    try {
      require_same_parameters(parameters, communicator, "step 40");
    } catch (const comm::CommunicationError& error) {
      found[communicator.rank()] = error.what();
    }
  });
  return found;
}

TEST(ParameterAgreement, EqualParametersPass) {
  for (const int64_t ranks : {1, 2, 5}) {
    for (const std::string& sentence : sentences(ranks, [](int64_t, model::Parameters&) {})) EXPECT_EQ(sentence, "");
  }
}

TEST(ParameterAgreement, AFlippedBitIsNamedOnEveryRank) {
  for (const int64_t culprit : {0, 1, 2}) {
    const auto found = sentences(3, [&](int64_t rank, model::Parameters& parameters) {
      if (rank == culprit) flip<uint32_t>(parameters.find("beta").value, 17, 0);
    });
    EXPECT_THAT(found[0], AllOf(HasSubstr("step 40: "), HasSubstr("rank " + std::to_string(culprit) + " "),
                                HasSubstr("1 of 3 parameters"), HasSubstr("beta the first")));
    for (const std::string& sentence : found) EXPECT_EQ(sentence, found[0]);
  }
}

TEST(ParameterAgreement, AllWhoDifferFromMostAreNamed) {
  const auto found = sentences(7, [&](int64_t rank, model::Parameters& parameters) {
    if (rank == 4) flip<uint32_t>(parameters.find("gamma").value, 3, 31);
    if (rank == 0 || rank == 5) flip<uint32_t>(parameters.find("alpha").value, 3, 7);
  });
  EXPECT_THAT(found[6],
              AllOf(HasSubstr("ranks 0, 4, 5 "), HasSubstr("2 of 3 parameters"), HasSubstr("alpha the first")));
  const auto pair = sentences(2, [&](int64_t rank, model::Parameters& parameters) {
    if (rank == 1) parameters.find("gamma").value.detach().add_(1);
  });
  EXPECT_THAT(pair[0], HasSubstr("rank 1 "));
}

TEST(ParameterChecksums, ChangeWithEveryBit) {
  const auto all_different = [](at::ScalarType dtype, int bits,
                                const std::function<void(const at::Tensor&, int64_t, int)>& flip_bit) {
    model::Parameters parameters = some_parameters(dtype);
    const at::Tensor value = parameters.find("beta").value;
    const at::Tensor untouched = parameter_checksums(parameters);
    std::set<int64_t> seen{untouched[1].item<int64_t>()};
    for (int64_t element = 0; element < value.numel(); ++element) {
      for (int bit = 0; bit < bits; ++bit) {
        flip_bit(value, element, bit);
        const at::Tensor checksums = parameter_checksums(parameters);
        EXPECT_EQ(checksums[0].item<int64_t>(), untouched[0].item<int64_t>());
        EXPECT_TRUE(seen.insert(checksums[1].item<int64_t>()).second) << "element " << element << ", bit " << bit;
        flip_bit(value, element, bit);
      }
    }
  };
  all_different(at::kFloat, 32, flip<uint32_t>);
  all_different(at::kDouble, 64, flip<uint64_t>);
}

TEST(ParameterChecksums, KnowWhereAnElementStands) {
  constexpr int64_t elements = (int64_t{1} << 20) + 100;  // more than are summed at once
  model::Parameters parameters{at::TensorOptions().dtype(at::kFloat)};
  const at::Tensor value = parameters.add("large", at::arange(elements, at::kFloat));
  parameters.seal();
  std::set<int64_t> seen{parameter_checksums(parameters).item<int64_t>()};
  for (const auto& [one, other] : std::vector<std::pair<int64_t, int64_t>>{
           {0, 1}, {0, int64_t{1} << 20}, {99, (int64_t{1} << 20) + 99}, {4096, 8192}, {elements - 2, elements - 1}}) {
    auto* const values = value.mutable_data_ptr<float>();
    std::swap(values[one], values[other]);
    EXPECT_TRUE(seen.insert(parameter_checksums(parameters).item<int64_t>()).second) << one << " and " << other;
    std::swap(values[one], values[other]);
  }
  EXPECT_TRUE(seen.contains(parameter_checksums(parameters).item<int64_t>()));
}

TEST(ParameterChecksums, SeeBitsNotValues) {
  model::Parameters parameters = some_parameters();
  const at::Tensor value = parameters.find("alpha").value.detach();
  const auto with = [&](float number) {
    value.fill_(number);
    return parameter_checksums(parameters)[0].item<int64_t>();
  };
  EXPECT_NE(with(0.0F), with(-0.0F));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(with(nan), with(nan));
}

}  // namespace
}  // namespace causalfm::training
