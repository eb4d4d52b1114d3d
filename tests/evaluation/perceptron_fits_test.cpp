#include "evaluation/perceptron_fits.hpp"

#include "causalfm/evaluation/error.hpp"
#include "evaluation/metrics.hpp"
#include "evaluation/random_draws.hpp"
#include "evaluation/random_table.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace causalfm::evaluation {
namespace {

constexpr int64_t rows_a_star = 5;

/// The first `stars` stars are labelled, those after `first_query` are asked for.
PerceptronFit regression(const RandomTable& table, int64_t stars, int64_t first_query, uint64_t seed = 1) {
  const at::Tensor labels = at::arange(stars * rows_a_star);
  return {table.features,
          labels,
          table.star.index_select(0, labels),
          table.value.index_select(0, labels),
          0,
          at::arange(first_query * rows_a_star, table.star.numel()),
          seed};
}

PerceptronFit classification(const RandomTable& table, int64_t stars, int64_t first_query) {
  PerceptronFit fit = regression(table, stars, first_query);
  fit.target = table.instrument.index_select(0, fit.label_rows);
  fit.classes = 4;
  return fit;
}

at::Tensor one(const PerceptronFit& fit) { return fit_perceptrons({&fit, 1})[0]; }

double r2_of(const RandomTable& table, const PerceptronFit& fit) {
  return r2(table.value.index_select(0, fit.query_rows), one(fit));
}

std::string sentence(const PerceptronFit& fit) {
  try {
    one(fit);
  } catch (const EvaluationError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(at::get_num_threads()) { at::set_num_threads(threads); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;
  ~ThreadCount() { at::set_num_threads(before_); }

 private:
  int before_;
};

TEST(PerceptronFits, LearnWhatIsThereAndMoreFromMoreLabels) {
  const RandomTable table = random_table(300, rows_a_star, 1);
  const double few = r2_of(table, regression(table, 15, 200));
  const double many = r2_of(table, regression(table, 200, 200));
  EXPECT_GT(few, 0.2);
  EXPECT_GT(many, few + 0.1);
  EXPECT_GT(many, 0.75);
}

TEST(PerceptronFits, OfClassesGiveProbabilities) {
  const RandomTable table = random_table(200, rows_a_star, 1);
  const PerceptronFit fit = classification(table, 150, 150);
  const at::Tensor probabilities = one(fit);
  EXPECT_EQ(probabilities.sizes(), (std::vector<int64_t>{50 * rows_a_star, 4}));
  EXPECT_TRUE(probabilities.sum(1).allclose(at::ones({50 * rows_a_star}, at::kDouble)));
  EXPECT_GT(balanced_accuracy(table.instrument.index_select(0, fit.query_rows), probabilities.argmax(1)), 0.6);
}

TEST(PerceptronFits, DoNotDependOnTheirCompanyNorOnThreads) {
  const RandomTable table = random_table(60, rows_a_star, 2);
  const std::vector<PerceptronFit> fits{regression(table, 10, 50), regression(table, 40, 50, 9),
                                        classification(table, 30, 50)};
  std::vector<at::Tensor> together;
  {
    const ThreadCount three(3);
    together = fit_perceptrons(fits);
  }
  const ThreadCount single(1);
  for (std::size_t i = 0; i < fits.size(); ++i) EXPECT_TRUE(together[i].equal(one(fits[i]))) << i;
}

TEST(PerceptronFits, SeeNothingBeyondTheirLabelRows) {
  RandomTable table = random_table(60, rows_a_star, 3);
  const at::Tensor before = one(regression(table, 10, 50));
  table.features.narrow(0, 10 * rows_a_star, 40 * rows_a_star).fill_(std::numeric_limits<float>::quiet_NaN());
  table.value.narrow(0, 10 * rows_a_star, 50 * rows_a_star).fill_(std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(one(regression(table, 10, 50)).equal(before));
}

TEST(PerceptronFits, PredictEachQueryByItself) {
  const RandomTable table = random_table(60, rows_a_star, 3);
  PerceptronFit fit = regression(table, 10, 50);
  const at::Tensor all = one(fit);
  fit.query_rows = fit.query_rows.narrow(0, 7, 3);
  EXPECT_TRUE(one(fit).allclose(all.narrow(0, 7, 3), 1e-5, 1e-5));
}

TEST(PerceptronFits, DoNotCareForTheUnitsOfFeaturesAndTarget) {
  RandomTable table = random_table(60, rows_a_star, 3);
  const at::Tensor before = one(regression(table, 30, 50));
  table.features.mul_(1024.0F).add_(4096.0F);
  table.value.mul_(1e6);
  const at::Tensor difference = one(regression(table, 30, 50)).div(1e6) - before;
  EXPECT_LT(difference.abs().max().item<double>(), 0.1 * before.std().item<double>());
}

TEST(PerceptronFits, OfPermutedLabelsFindNothing) {
  RandomTable table = random_table(300, rows_a_star, 4);
  std::vector<int64_t> order(300);
  for (int64_t i = 0; i < 300; ++i) order[i] = i;
  RandomDraws(5, 0).shuffle(order);
  const at::Tensor curves =
      (at::tensor(order, at::kLong).unsqueeze(1) * rows_a_star + at::arange(rows_a_star)).reshape(-1);
  table.value = table.value.index_select(0, curves);
  table.instrument = table.instrument.index_select(0, curves.flip(0));
  EXPECT_LT(r2_of(table, regression(table, 200, 200)), 0.05);
  const PerceptronFit fit = classification(table, 200, 200);
  EXPECT_NEAR(balanced_accuracy(table.instrument.index_select(0, fit.query_rows), one(fit).argmax(1)), 0.25, 0.08);
}

TEST(PerceptronFits, OfAConstantTargetPredictIt) {
  RandomTable table = random_table(60, rows_a_star, 3);
  table.value.fill_(0.1);
  EXPECT_LT((one(regression(table, 30, 50)) - 0.1).abs().max().item<double>(), 0.05);
}

TEST(PerceptronFits, RefuseWhatCannotBeFitted) {
  RandomTable table = random_table(60, rows_a_star, 3);
  EXPECT_THAT(sentence(regression(table, 1, 50)), testing::HasSubstr("fewer than two labelled stars"));
  PerceptronFit fit = classification(table, 30, 50);
  fit.classes = 3;
  EXPECT_THAT(sentence(fit), testing::HasSubstr("classes must be int64 in 0 ... 2"));
  fit = regression(table, 30, 50);
  fit.target = fit.target.narrow(0, 1, 3);
  EXPECT_THAT(sentence(fit), testing::HasSubstr("one element for each of the 150 label rows"));
  table.value[3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(sentence(regression(table, 30, 50)), testing::HasSubstr("target of some labelled curves"));
  table.features[3][0] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(sentence(regression(table, 30, 50)), testing::HasSubstr("features of some labelled curves"));
}

}  // namespace
}  // namespace causalfm::evaluation
