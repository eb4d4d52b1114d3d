#include "comm/collective_properties.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace causalfm::comm {
namespace {

/// The tensors of all ranks and their values, element by element.
struct Inputs {
  std::vector<at::Tensor> tensors;
  std::vector<std::vector<double>> values;
};

std::vector<double> values_of(const at::Tensor& tensor) {
  // The byte of a bool, which must be 0 or 1.
  const at::Tensor stored = tensor.scalar_type() == at::kBool ? tensor.view(at::kByte) : tensor;
  const at::Tensor flat = stored.to(at::kDouble).contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

/// Checks one collective's result, once it may be used.
struct Started {
  Pending pending;
  std::function<void()> check;
};

class RandomCollectives {
 public:
  RandomCollectives(Communicator& communicator, uint64_t seed, const Workbench& workbench)
      : communicator_(communicator), random_(seed), workbench_(workbench) {}

  Started start() {
    switch (integer(0, 4)) {
      case 0:
        return all_reduce();
      case 1:
        return all_gather();
      case 2:
        return reduce_scatter();
      case 3:
        return all_to_all();
      default:
        return broadcast();
    }
  }

  int64_t integer(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }

 private:
  Started all_reduce() {
    const Inputs inputs = draw(std::vector<int64_t>(world(), size()), width());
    const auto reduction = static_cast<Reduction>(integer(0, 2));
    const at::Tensor mine = workbench_.place(inputs.tensors[rank()]);
    Pending pending = communicator_.all_reduce(mine, reduction);
    return {std::move(pending), [=, this] { expect_reduced(mine, inputs, reduction, 0); }};
  }

  Started all_gather() {
    std::vector<int64_t> rows(world());
    for (int64_t& count : rows) count = integer(0, 3) == 0 ? 0 : integer(0, 9);
    const Inputs inputs = draw(rows, width(), /*reduced=*/false);
    const at::Tensor gathered =
        workbench_.place(at::ones({std::accumulate(rows.begin(), rows.end(), int64_t{0}), inputs.tensors[0].size(1)},
                                  inputs.tensors[0].options()));
    Pending pending = communicator_.all_gather(workbench_.place(inputs.tensors[rank()]), gathered, rows);
    return {std::move(pending), [=, this] {
              std::vector<double> expected;
              for (const auto& values : inputs.values) expected.insert(expected.end(), values.begin(), values.end());
              EXPECT_EQ(fetched(gathered), expected);
            }};
  }

  Started reduce_scatter() {
    std::vector<int64_t> rows(world());
    for (int64_t& count : rows) count = integer(0, 3) == 0 ? 0 : integer(0, 9);
    const int64_t whole = std::accumulate(rows.begin(), rows.end(), int64_t{0});
    const int64_t before = std::accumulate(rows.begin(), rows.begin() + rank(), int64_t{0});
    const Inputs inputs = draw(std::vector<int64_t>(world(), whole), width());
    const int64_t columns = inputs.tensors[0].size(1);
    const at::Tensor slice = workbench_.place(at::ones({rows[rank()], columns}, inputs.tensors[0].options()));
    Pending pending = communicator_.reduce_scatter(workbench_.place(inputs.tensors[rank()]), slice, rows);
    return {std::move(pending), [=, this] { expect_reduced(slice, inputs, Reduction::sum, before * columns); }};
  }

  Started all_to_all() {
    const int64_t columns = width();
    const Inputs inputs = draw(std::vector<int64_t>(world(), world()), columns, /*reduced=*/false);
    const at::Tensor received = workbench_.place(at::ones_like(inputs.tensors[rank()]));
    Pending pending = communicator_.all_to_all(workbench_.place(inputs.tensors[rank()]), received);
    return {std::move(pending), [=, this] {
              std::vector<double> expected;
              for (const auto& values : inputs.values) {
                const auto mine = values.begin() + rank() * columns;
                expected.insert(expected.end(), mine, mine + columns);
              }
              EXPECT_EQ(fetched(received), expected);
            }};
  }

  Started broadcast() {
    const Inputs inputs = draw(std::vector<int64_t>(world(), size()), width(), /*reduced=*/false);
    const int64_t root = integer(0, world() - 1);
    const at::Tensor mine = workbench_.place(inputs.tensors[rank()]);
    Pending pending = communicator_.broadcast(mine, root);
    return {std::move(pending), [=, this] { EXPECT_EQ(fetched(mine), inputs.values[root]); }};
  }

  /// `result` against the reduction of all inputs, which it holds from element `first` on.
  void expect_reduced(const at::Tensor& result, const Inputs& inputs, Reduction reduction, size_t first) {
    const double epsilon = result.scalar_type() == at::kFloat    ? std::numeric_limits<float>::epsilon()
                           : result.scalar_type() == at::kDouble ? std::numeric_limits<double>::epsilon()
                                                                 : 0.0;
    const std::vector<double> actual = fetched(result);
    for (size_t element = 0; element < actual.size(); ++element) {
      double expected = inputs.values[0][first + element];
      double magnitude = std::abs(expected);
      for (size_t rank = 1; rank < inputs.values.size(); ++rank) {
        const double next = inputs.values[rank][first + element];
        magnitude += std::abs(next);
        if (reduction == Reduction::sum) expected += next;
        if (reduction == Reduction::maximum) expected = std::max(expected, next);
        if (reduction == Reduction::minimum) expected = std::min(expected, next);
      }
      if (result.scalar_type() == at::kBool) expected = expected > 0.0;
      const double tolerance = reduction == Reduction::sum ? world() * epsilon * magnitude : 0.0;
      ASSERT_NEAR(actual[element], expected, tolerance) << "element " << element << " of rank " << rank();
    }
  }

  Inputs draw(const std::vector<int64_t>& rows, int64_t columns, bool reduced = true) {
    static constexpr at::ScalarType types[] = {at::kFloat, at::kDouble, at::kLong,    at::kInt,
                                               at::kByte,  at::kBool,   at::kBFloat16};
    const at::ScalarType type = types[integer(0, reduced ? 5 : 6)];
    Inputs inputs;
    for (const int64_t count : rows) {
      at::Tensor values = at::empty({count, columns}, at::kDouble);
      const bool small = type == at::kByte || type == at::kBool;
      for (int64_t element = 0; element < values.numel(); ++element) {
        const auto whole = static_cast<double>(small ? integer(0, type == at::kBool ? 1 : 30) : integer(-1000, 1000));
        values.data_ptr<double>()[element] = at::isFloatingType(type) ? whole * 0.37 : whole;
      }
      inputs.tensors.push_back(values.to(type));
      inputs.values.push_back(values_of(inputs.tensors.back()));
    }
    return inputs;
  }

  std::vector<double> fetched(const at::Tensor& tensor) const { return values_of(workbench_.fetch(tensor)); }

  int64_t rank() const { return communicator_.rank(); }
  int64_t world() const { return communicator_.world_size(); }
  int64_t width() { return integer(1, 5); }
  int64_t size() { return integer(0, 9) == 0 ? integer(2000, 6000) : integer(0, 40); }

  Communicator& communicator_;
  std::mt19937_64 random_;
  const Workbench& workbench_;
};

}  // namespace

Workbench host_workbench() {
  return {[](const at::Tensor& values) { return values.clone(); }, [](const at::Tensor& tensor) { return tensor; }};
}

void check_random_collectives(Communicator& communicator, uint64_t seed, int rounds, const Workbench& workbench) {
  RandomCollectives collectives(communicator, seed, workbench);
  std::mt19937_64 own_order(seed + 1000 + communicator.rank());
  for (int round = 0; round < rounds && !testing::Test::HasFatalFailure(); ++round) {
    std::vector<Started> started;
    const int64_t at_once = collectives.integer(1, 4);
    for (int64_t count = 0; count < at_once; ++count) started.push_back(collectives.start());
    std::shuffle(started.begin(), started.end(), own_order);
    for (Started& collective : started) {
      collective.pending.wait();
      collective.pending.wait();
      collective.check();
    }
    if (round % 5 == 0) communicator.barrier();
  }
}

}  // namespace causalfm::comm
