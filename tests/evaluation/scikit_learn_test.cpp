#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "evaluation/linear_fits.hpp"
#include "evaluation/metrics.hpp"
#include "evaluation/random_table.hpp"
#include "storage/python.hpp"
#include "storage/temporary_folder.hpp"

namespace causalfm::evaluation {
namespace {

/// scikit-learn is given the same rows as raw float64 files and answers with one number a line.
class ScikitLearn : public testing::Test {
 protected:
  void give(const std::string& name, const at::Tensor& tensor) {
    const at::Tensor values = tensor.to(at::kDouble).contiguous();
    std::ofstream(folder_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(values.const_data_ptr<double>()),
               static_cast<std::streamsize>(values.nbytes()));
    load_ += name + " = numpy.fromfile('" + (folder_ / name).string() + "').reshape(" + std::to_string(values.size(0)) +
             ", -1).squeeze()\n";
  }

  at::Tensor answer(const std::string& expression) {
    std::istringstream lines(storage::run_python(
        "import numpy, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "from sklearn.linear_model import LogisticRegression, Ridge\n"
        "from sklearn.metrics import balanced_accuracy_score, r2_score\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import StandardScaler\n" +
        load_ + "for number in numpy.ravel(" + expression + "):\n    print(repr(float(number)))\n"));
    std::vector<double> numbers{std::istream_iterator<double>(lines), {}};
    return at::tensor(numbers, at::kDouble);
  }

 private:
  storage::TemporaryFolder folder_;
  std::string load_;
};

TEST_F(ScikitLearn, HasTheSameMetrics) {
  const RandomTable one = random_table(200, 1, 1);
  const RandomTable other = random_table(200, 1, 2);
  const at::Tensor sparse = one.instrument * 2;  // classes that do not occur, also among the predictions
  give("truth", one.value);
  give("predicted", other.value);
  give("classes", sparse);
  give("guesses", other.instrument);
  const at::Tensor expected =
      answer("[r2_score(truth, predicted), balanced_accuracy_score(classes.astype(int), guesses.astype(int))]");
  EXPECT_NEAR(r2(one.value, other.value), expected[0].item<double>(), 1e-12);
  EXPECT_NEAR(balanced_accuracy(sparse, other.instrument), expected[1].item<double>(), 1e-12);
}

TEST_F(ScikitLearn, HasTheSameRidgeRegression) {
  const RandomTable table = random_table(100, 3, 1);
  const RandomTable asked = random_table(30, 1, 2);
  give("features", table.features);
  give("target", table.value);
  give("queries", asked.features);
  for (const double penalty : {1.0, 30.0}) {
    const at::Tensor expected = answer("make_pipeline(StandardScaler(), Ridge(alpha=" + std::to_string(penalty) +
                                       ")).fit(features, target).predict(queries)");
    EXPECT_TRUE(fit_ridge(table.features, table.value, asked.features, penalty).allclose(expected, 1e-9, 1e-9));
  }
}

TEST_F(ScikitLearn, HasTheSameLogisticRegression) {
  const RandomTable table = random_table(100, 3, 1);
  const RandomTable asked = random_table(30, 1, 2);
  give("features", table.features);
  give("target", table.instrument);
  give("queries", asked.features);
  const at::Tensor expected = answer(
                                  "make_pipeline(StandardScaler(), LogisticRegression(C=1.0, tol=1e-8, max_iter=10000))"
                                  ".fit(features, target.astype(int)).predict_proba(queries)")
                                  .view({30, 4});
  const at::Tensor exact = fit_logistic(table.features, table.instrument, 4, asked.features, 1e-9);
  EXPECT_TRUE(exact.allclose(expected, 1e-5, 1e-6)) << (exact - expected).abs().max();
  const at::Tensor usual = fit_logistic(table.features, table.instrument, 4, asked.features);
  EXPECT_TRUE(usual.allclose(expected, 1e-2, 1e-3)) << (usual - expected).abs().max();
}

}  // namespace
}  // namespace causalfm::evaluation
