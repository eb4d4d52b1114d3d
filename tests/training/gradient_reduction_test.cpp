#include "causalfm/training/gradient_reduction.hpp"

#include "causalfm/comm/backends.hpp"
#include "observed_communicator.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <stdexcept>

namespace causalfm::training {
namespace {

constexpr int64_t elements_of_64_kib = 16384;

config::Comm comm_settings(config::GradientPrecision precision = config::GradientPrecision::float32) {
  config::Comm settings;
  settings.gradient_precision = precision;
  return settings;
}

model::Parameters random_parameters(uint64_t seed, int64_t count) {
  std::mt19937_64 random(seed);
  model::Parameters parameters(at::TensorOptions().dtype(at::kFloat));
  for (int64_t i = 0; i < count; ++i) {
    const auto size = 1 + static_cast<int64_t>(random() % elements_of_64_kib);
    parameters.add(std::to_string(i), at::zeros({size}));
  }
  parameters.seal();
  return parameters;
}

/// The gradient of that parameter on that rank: whole numbers, so that sums are exact.
at::Tensor gradient_of(int64_t rank, int64_t parameter, int64_t size) {
  return (at::arange(size, at::kLong) * 7 + 31 * parameter + 13 * rank).remainder(101).to(at::kFloat);
}

std::vector<int64_t> in_order(int64_t count, bool from_the_end) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  if (from_the_end) std::reverse(order.begin(), order.end());
  return order;
}

/// Back-propagates so that gradients are found in the order of `parameters`: autograd goes through the nodes of a graph
/// from the last made to the first.
void back_propagate(const model::Parameters& parameters, int64_t rank, const std::vector<int64_t>& found) {
  at::Tensor sum = at::zeros({});
  std::vector<at::Tensor> terms;
  for (auto index = found.rbegin(); index != found.rend(); ++index) {
    const auto& entry = parameters.entries()[*index];
    terms.push_back((entry.value * gradient_of(rank, *index, entry.value.numel())).sum());
  }
  for (const at::Tensor& term : terms) sum = sum + term;
  sum.backward();
}

std::vector<int64_t> launched_sizes(const ObservedCommunicator& communicator) {
  std::vector<int64_t> sizes;
  for (const std::string& words : communicator.calls) {
    const std::string lead = "all_reduce (sum) of ";
    EXPECT_EQ(words.substr(0, lead.size()), lead);
    EXPECT_NE(words.find(" for gradients"), std::string::npos);
    sizes.push_back(std::stoll(words.substr(lead.size())));
  }
  return sizes;
}

TEST(GradientReduction, LaunchesInOneOrderWhateverRanksFindFirst) {
  for (const int64_t ranks : {1, 2, 3, 4}) {
    comm::run_ranks_as_threads(ranks, {}, [&](comm::Communicator& inner) {
      ObservedCommunicator communicator(inner);
      constexpr int64_t count = 24;
      model::Parameters parameters = random_parameters(5, count);
      GradientReduction reduction(parameters, comm_settings(), communicator);
      ASSERT_GT(reduction.buckets().size(), 6);
      std::vector<int64_t> sizes;
      for (const GradientBucket& bucket : reduction.buckets()) sizes.push_back(bucket.elements);

      std::mt19937_64 random(17 + inner.rank());
      for (int repeat = 0; repeat < 6; ++repeat) {
        // Some gradients are missing on this rank, and the same one on all.
        std::vector<int64_t> found = in_order(count, false);
        std::shuffle(found.begin(), found.end(), random);
        if (repeat > 0) std::erase_if(found, [&](int64_t index) { return index == 11 || random() % 4 == 0; });
        std::vector<int64_t> held(count, 0);
        for (const int64_t index : found) held[index] = 1;
        const at::Tensor held_by = at::empty({ranks, count}, at::kLong);
        inner.all_gather(at::tensor(held, at::kLong).unsqueeze(0), held_by, std::vector<int64_t>(ranks, 1)).wait();

        communicator.calls.clear();
        parameters.flat_gradients().zero_();
        reduction.run([&] { back_propagate(parameters, inner.rank(), found); });
        EXPECT_EQ(launched_sizes(communicator), sizes);
        for (int64_t index = 0; index < count; ++index) {
          const auto& entry = parameters.entries()[index];
          at::Tensor expected = at::zeros_like(entry.value.detach());
          for (int64_t rank = 0; rank < ranks; ++rank) {
            if (held_by[rank][index].item<int64_t>() == 1) expected += gradient_of(rank, index, expected.numel());
          }
          EXPECT_TRUE(at::equal(entry.value.grad(), expected)) << "parameter " << index;
        }
      }
    });
  }
}

/// Buckets launched by the time that backward returns.
size_t launched_during_backward(const std::vector<int64_t>& found, int64_t count, size_t& buckets) {
  const auto alone = comm::make_single();
  ObservedCommunicator communicator(*alone);
  model::Parameters parameters = random_parameters(5, count);
  GradientReduction reduction(parameters, comm_settings(), communicator);
  buckets = reduction.buckets().size();
  size_t launched = 0;
  reduction.run([&] {
    back_propagate(parameters, 0, found);
    launched = communicator.calls.size();
  });
  EXPECT_EQ(communicator.calls.size(), buckets);
  return launched;
}

TEST(GradientReduction, LaunchesWhileBackwardRuns) {
  constexpr int64_t count = 24;
  size_t buckets = 0;
  EXPECT_EQ(launched_during_backward(in_order(count, true), count, buckets), buckets);
  EXPECT_EQ(launched_during_backward(in_order(count, false), count, buckets), buckets);  // all with the last gradient

  std::vector<int64_t> without_first = in_order(count, true);
  without_first.pop_back();
  EXPECT_EQ(launched_during_backward(without_first, count, buckets), buckets - 1);
  std::vector<int64_t> without_last = in_order(count, true);
  without_last.erase(without_last.begin());
  EXPECT_EQ(launched_during_backward(without_last, count, buckets), 0);
}

TEST(GradientReduction, EachBucketLeavesBeforeTheNextGradientIsFound) {
  constexpr int64_t count = 24;
  const auto alone = comm::make_single();
  ObservedCommunicator communicator(*alone);
  model::Parameters parameters = random_parameters(5, count);
  GradientReduction reduction(parameters, comm_settings(), communicator);
  reduction.run([&] {
    int64_t end = count;
    for (size_t bucket = 0; bucket < reduction.buckets().size(); ++bucket) {
      for (int64_t left = reduction.buckets()[bucket].parameters; left > 0; --left) {
        EXPECT_EQ(communicator.calls.size(), bucket);
        back_propagate(parameters, 0, {--end});
      }
      EXPECT_EQ(communicator.calls.size(), bucket + 1);
    }
  });
}

TEST(GradientReduction, OnlyTheBackwardInsideIsWatched) {
  const auto alone = comm::make_single();
  ObservedCommunicator communicator(*alone);
  model::Parameters parameters = random_parameters(3, 6);
  {
    GradientReduction reduction(parameters, comm_settings(), communicator);
    back_propagate(parameters, 0, in_order(6, true));
    EXPECT_TRUE(communicator.calls.empty());
    reduction.run([&] { back_propagate(parameters, 0, in_order(6, true)); });
    EXPECT_EQ(communicator.calls.size(), reduction.buckets().size());
  }
  const size_t calls = communicator.calls.size();
  back_propagate(parameters, 0, in_order(6, true));
  EXPECT_EQ(communicator.calls.size(), calls);
  const auto& entry = parameters.entries()[2];
  EXPECT_TRUE(at::equal(entry.value.grad(), 3 * gradient_of(0, 2, entry.value.numel())));
}

/// Passes its input on, and throws in backward.
struct Throwing : torch::autograd::Function<Throwing> {
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor& input) { return input.clone(); }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 const torch::autograd::variable_list&) {
    throw std::domain_error("half-way");
  }
};

TEST(GradientReduction, ABackwardThatThrowsLeavesNoHookBehind) {
  const auto alone = comm::make_single();
  ObservedCommunicator communicator(*alone);
  model::Parameters parameters = random_parameters(5, 24);
  GradientReduction reduction(parameters, comm_settings(), communicator);
  const auto half_way = [&] {
    const at::Tensor first = Throwing::apply(parameters.entries()[0].value).sum();  // made first, gone through last
    at::Tensor rest = at::zeros({});
    for (int64_t index = 1; index < 24; ++index) rest = rest + parameters.entries()[index].value.sum();
    (first + rest).backward();
  };
  EXPECT_THROW(reduction.run(half_way), std::domain_error);
  EXPECT_GT(communicator.calls.size(), 0);
  EXPECT_LT(communicator.calls.size(), reduction.buckets().size());
  for (const auto& entry : parameters.entries()) {
    EXPECT_EQ(torch::autograd::impl::post_acc_grad_hooks(entry.value), nullptr);
  }
  communicator.calls.clear();
  parameters.flat_gradients().zero_();
  reduction.run([&] { back_propagate(parameters, 0, in_order(24, true)); });
  EXPECT_EQ(communicator.calls.size(), reduction.buckets().size());
}

TEST(GradientReduction, ARankThatThrowsInBackwardEndsTheOthers) {
  const auto run = [] {
    comm::run_ranks_as_threads(3, {}, [](comm::Communicator& communicator) {
      model::Parameters parameters = random_parameters(5, 24);
      GradientReduction reduction(parameters, comm_settings(), communicator);
      reduction.run([&] {
        if (communicator.rank() == 1) throw std::domain_error("a rank of its own");
        back_propagate(parameters, communicator.rank(), in_order(24, true));
      });
    });
  };
  EXPECT_THROW(run(), std::domain_error);
}

TEST(GradientReduction, AnErrorOfACollectiveInAHookKeepsItsType) {
  const auto run = [] {
    comm::run_ranks_as_threads(2, {}, [](comm::Communicator& communicator) {
      model::Parameters parameters = random_parameters(5 + communicator.rank(), 24);  // buckets of other sizes
      GradientReduction reduction(parameters, comm_settings(), communicator);
      reduction.run([&] { back_propagate(parameters, communicator.rank(), in_order(24, true)); });
    });
  };
  EXPECT_THROW(run(), comm::CommunicationError);
}

TEST(GradientReduction, GradientsStayViewsOfTheFlatBuffer) {
  for (const auto precision : {config::GradientPrecision::float32, config::GradientPrecision::bfloat16}) {
    comm::run_ranks_as_threads(2, {}, [&](comm::Communicator& communicator) {
      model::Parameters parameters = random_parameters(5, 24);
      const void* const flat = parameters.flat_gradients().const_data_ptr();
      GradientReduction reduction(parameters, comm_settings(precision), communicator);
      reduction.run([&] { back_propagate(parameters, communicator.rank(), in_order(24, true)); });
      EXPECT_EQ(parameters.flat_gradients().const_data_ptr(), flat);
      for (const auto& entry : parameters.entries()) {
        EXPECT_EQ(entry.value.grad().const_data_ptr(),
                  parameters.flat_gradients().narrow(0, entry.offset, 1).const_data_ptr());
      }
    });
  }
}

}  // namespace
}  // namespace causalfm::training
