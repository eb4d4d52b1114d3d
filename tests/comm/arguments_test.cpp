#include "causalfm/comm/backends.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <functional>
#include <stdexcept>

namespace causalfm::comm {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class Arguments : public testing::Test {
 protected:
  void expect_refused(const std::function<void(Communicator&)>& call, const std::string& reason) {
    EXPECT_THAT([&] { call(*make_single()); }, ThrowsMessage<std::invalid_argument>(HasSubstr(reason)));
    EXPECT_THAT([&] { run_ranks_as_threads(1, {}, call); }, ThrowsMessage<std::invalid_argument>(HasSubstr(reason)));
  }
};

TEST_F(Arguments, ElementsOfOtherTypesAreRefused) {
  expect_refused([](Communicator& ranks) { ranks.all_reduce(at::zeros({2}, at::kHalf)); }, "type Half");
}

TEST_F(Arguments, UndefinedTensorsAreRefused) {
  expect_refused([](Communicator& ranks) { ranks.broadcast({}, 0); }, "undefined");
}

TEST_F(Arguments, StridedTensorsAreRefused) {
  expect_refused([](Communicator& ranks) { ranks.all_reduce(at::zeros({4, 4}).t()[0]); }, "not contiguous");
}

TEST_F(Arguments, RowsMustAddUp) {
  expect_refused(
      [](Communicator& ranks) {
        ranks.all_gather(at::zeros({2, 3}), at::zeros({3, 3}), {2});
      },
      "do not fit");
  expect_refused(
      [](Communicator& ranks) {
        ranks.reduce_scatter(at::zeros({2, 3}), at::zeros({1, 3}), {2});
      },
      "do not fit");
}

TEST_F(Arguments, ThereIsOneCountOfRowsForEachRank) {
  expect_refused(
      [](Communicator& ranks) {
        ranks.all_gather(at::zeros({2}), at::zeros({2}), {1, 1});
      },
      "2 counts of rows for 1 ranks");
}

TEST_F(Arguments, RowsHaveOneShapeAndType) {
  expect_refused(
      [](Communicator& ranks) {
        ranks.all_gather(at::zeros({2, 3}), at::zeros({2, 4}), {2});
      },
      "rows differ in shape");
  expect_refused([](Communicator& ranks) { ranks.all_gather(at::zeros({2}), at::zeros({2}, at::kDouble), {2}); },
                 "one dtype");
}

TEST_F(Arguments, TheRootIsARank) {
  expect_refused([](Communicator& ranks) { ranks.broadcast(at::zeros({2}), 1); }, "no rank 1");
}

}  // namespace
}  // namespace causalfm::comm
