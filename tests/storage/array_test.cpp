#include "causalfm/storage/array.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace causalfm::storage {
namespace {

using testing::ElementsAre;

TEST(ArrayTest, IsZeroAndHandsOutItsElementsByType) {
  Array array(ElementType::int32, {2, 2});
  EXPECT_THAT(array.as<int32_t>(), ElementsAre(0, 0, 0, 0));
  EXPECT_THROW(array.as<float>(), StorageError);
  EXPECT_EQ(Array(ElementType::float64, {}).as<double>().size(), 1U);
  EXPECT_EQ(Array(ElementType::float64, {3, 0}).as<double>().size(), 0U);
}

TEST(ArrayTest, ShapesThatCannotBeAreRefused) {
  constexpr int64_t large = std::numeric_limits<int64_t>::max();
  EXPECT_THROW(Array(ElementType::uint8, {-1}), StorageError);
  EXPECT_THROW(Array(ElementType::uint8, {large, 3}), StorageError);
  EXPECT_THROW(Array(ElementType::float64, {large}), StorageError);
  EXPECT_EQ(element_count({large, large, 0}), 0);
}

TEST(ArrayTest, ViewsHaveTheShapeOfTheirElements) {
  const std::vector<int64_t> values{1, 2, 3, 4, 5, 6};
  const ArrayView whole = view(values);
  EXPECT_THAT(whole.shape, ElementsAre(6));
  EXPECT_EQ(whole.type, ElementType::int64);
  EXPECT_THAT(view(values, {2, 3}).shape, ElementsAre(2, 3));
  EXPECT_THROW(view(values, {2, 2}), StorageError);
}

}  // namespace
}  // namespace causalfm::storage
