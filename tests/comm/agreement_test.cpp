#include "comm/agreement.hpp"

#include <gtest/gtest.h>

namespace causalfm::comm {
namespace {

TEST(Agreement, WhatAllRanksMeetIsToldWithoutARank) {
  Agreement agreement(3);
  for (const int64_t rank : {2, 0, 1}) agreement.report(rank, {rank, 2, "a wrong key"}, false);
  const Verdict verdict = agreement.verdict();
  EXPECT_EQ(verdict.exit_code, 2);
  EXPECT_EQ(verdict.sentence, "a wrong key");
  EXPECT_TRUE(verdict.everyone);
}

TEST(Agreement, ACauseIsToldBeforeItsEchoes) {
  Agreement agreement(3);
  agreement.report(0, {0, 4, "collective ended because rank 1 failed"}, true);
  agreement.report(2, {2, 4, "collective ended because rank 1 failed"}, true);
  agreement.report(1, {1, 3, "a broken shard"}, false);
  const Verdict verdict = agreement.verdict();
  EXPECT_EQ(verdict.exit_code, 3);
  EXPECT_EQ(verdict.sentence, "rank 1: a broken shard");
  EXPECT_TRUE(verdict.everyone);
}

TEST(Agreement, ADeathIsToldBeforeADeadlineButAfterAnOwnFailure) {
  Agreement agreement(4);
  agreement.report(0, {0, 4, "a deadline passed"}, false);
  agreement.lost({3, 4, "rank 3 on node1 died"});
  EXPECT_EQ(agreement.cause().sentence, "rank 3 on node1 died");
  EXPECT_EQ(agreement.verdict().sentence, "rank 3 on node1 died");
  agreement.report(2, {2, 8, "out of memory"}, false);
  EXPECT_EQ(agreement.verdict().sentence, "rank 2: out of memory");
  EXPECT_EQ(agreement.verdict().exit_code, 8);
  EXPECT_FALSE(agreement.verdict().everyone);
}

TEST(Agreement, OfEqualsTheLowestRankIsTold) {
  Agreement agreement(3);
  agreement.report(2, {2, 3, "two"}, false);
  agreement.report(1, {1, 6, "one"}, false);
  EXPECT_EQ(agreement.verdict().sentence, "rank 1: one");
  agreement.report(1, {1, 5, "one again"}, false);
  EXPECT_EQ(agreement.verdict().exit_code, 6);
  EXPECT_TRUE(agreement.has_reported(1));
  EXPECT_FALSE(agreement.has_reported(0));
}

}  // namespace
}  // namespace causalfm::comm
