#include "evaluation/swap.hpp"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "causalfm/data/source.hpp"
#include "evaluation/probes.hpp"

#include <ATen/ATen.h>

namespace causalfm::evaluation {
namespace {

config::Simulation universe(int64_t instruments) {
  config::Simulation settings;
  settings.stars = 120;
  settings.instruments = instruments;
  settings.curves_per_star = 6;
  settings.length = 20;
  return settings;
}

Cohort everything(const data::Source& source) {
  config::Data settings;
  settings.validation_stars = 0.0;
  settings.test_stars = 0.0;
  return make_cohort(source, settings, data::Split::train);
}

TEST(SwapPairs, AreOfAnotherStarThroughAnotherInstrument) {
  const auto source = data::make_simulated_source(universe(5));
  const Cohort cohort = everything(*source);
  const SwapPairs pairs = draw_swap_pairs(cohort, 3);
  const data::ObservationTable& table = source->observations();
  ASSERT_EQ(pairs.a, cohort.rows) << "every curve has a partner here";
  std::map<int32_t, int64_t> drawn;
  for (size_t i = 0; i < pairs.a.size(); ++i) {
    EXPECT_NE(table.star_id[pairs.a[i]], table.star_id[pairs.b[i]]);
    EXPECT_NE(table.instrument_id[pairs.a[i]], table.instrument_id[pairs.b[i]]);
    ++drawn[table.instrument_id[pairs.b[i]]];
  }
  for (const auto& [instrument, count] : drawn) EXPECT_NEAR(static_cast<double>(count), 720.0 / 5.0, 60.0);
}

TEST(SwapPairs, OfACurveDependOnNoOtherCurveButItsPartners) {
  const auto source = data::make_simulated_source(universe(5));
  const Cohort cohort = everything(*source);
  EXPECT_EQ(draw_swap_pairs(cohort, 3).b, draw_swap_pairs(cohort, 3).b);
  EXPECT_NE(draw_swap_pairs(cohort, 3).b, draw_swap_pairs(cohort, 4).b);
}

TEST(SwapPairs, ThereAreNoneThroughOneInstrument) {
  const auto source = data::make_simulated_source(universe(1));
  EXPECT_TRUE(draw_swap_pairs(everything(*source), 3).a.empty());
}

TEST(InstrumentProbe, IsLeftOutWhereThereIsOneInstrument) {
  const auto source = data::make_simulated_source(universe(1));
  const Cohort cohort = everything(*source);
  const std::vector<Representation> representations = curve_representations(*source);
  EXPECT_FALSE(probe_instruments(representations, {cohort, cohort, cohort, cohort}, 1, [](const std::string&) {}));
}

TEST(InstrumentProbe, ReadsAnInstrumentThatIsWrittenPlainly) {
  const auto source = data::make_simulated_source(universe(4));
  const Cohort cohort = everything(*source);
  const at::Tensor code = at::one_hot(cohort.instrument_tensor(), 4).to(at::kFloat);
  const auto scores = probe_instruments({{"plain", code}, {"nothing", at::zeros_like(code)}},
                                        {cohort, cohort, cohort, cohort}, 1, [](const std::string&) {});
  ASSERT_TRUE(scores);
  EXPECT_EQ(scores->chance, 0.25);
  EXPECT_EQ(scores->probes[0].linear, 1.0);
  EXPECT_EQ(scores->probes[0].mlp, 1.0);
  EXPECT_EQ(scores->probes[1].linear, 0.25);
  EXPECT_EQ(scores->probes[1].mlp, 0.25);
}

}  // namespace
}  // namespace causalfm::evaluation
