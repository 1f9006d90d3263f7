// Whatever bin is found for a size, every run kept there is large enough.
#include "base/fit_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace trestle {
namespace {

template <class Map>
class FitMapTest : public testing::Test {};
using Maps = testing::Types<FitMap<36, 4>, FitMap<26, 3>, FitMap<10, 2>, FitMap<12, 5>>;
TYPED_TEST_SUITE(FitMapTest, Maps);

template <class Map>
constexpr std::uint64_t most_units() {
  return (std::uint64_t{1} << (Map::kFirst - 2 + log2_floor(Map::kSecond))) * 2 - 1;
}

// All small sizes, and every power of two with its neighbourhood.
template <class Map>
std::vector<std::uint64_t> sizes() {
  std::vector<std::uint64_t> all;
  for (std::uint64_t units = 1; units <= std::min<std::uint64_t>(1999, most_units<Map>()); ++units)
    all.push_back(units);
  for (std::uint64_t power = 1024; power <= most_units<Map>(); power *= 2) {
    for (const std::uint64_t units :
         {power - 1, power, power + 1, power + power / 3, power + power / 2, 2 * power - 1}) {
      if (units <= most_units<Map>()) all.push_back(units);
    }
  }
  return all;
}

TYPED_TEST(FitMapTest, BinsRiseWithSizeAndStayInside) {
  unsigned before = 0;
  std::uint64_t last = 0;
  for (const std::uint64_t units : sizes<TypeParam>()) {
    const unsigned bin = TypeParam::bin_of(units);
    ASSERT_LT(bin, TypeParam::kBins) << units;
    if (units > last) {
      ASSERT_GE(bin, before) << units;
      before = bin;
      last = units;
    }
  }
}

TYPED_TEST(FitMapTest, EveryRunOfABinThatServesASizeHoldsIt) {
  for (const std::uint64_t wanted : sizes<TypeParam>()) {
    const unsigned serves = TypeParam::bin_for(wanted);
    if (serves == TypeParam::kNone) continue;
    ASSERT_LT(serves, TypeParam::kBins);
    for (const std::uint64_t run : sizes<TypeParam>()) {
      ASSERT_TRUE(run >= wanted || TypeParam::bin_of(run) < serves) << run << " may be handed out for " << wanted;
    }
  }
}

// So no size is refused though there is a run a quarter larger, or larger by one where bins are exact.
TYPED_TEST(FitMapTest, TheBinThatServesIsTheSizesOwnOrTheNext) {
  for (const std::uint64_t wanted : sizes<TypeParam>()) {
    const unsigned own = TypeParam::bin_of(wanted);
    const unsigned serves = TypeParam::bin_for(wanted);
    if (serves == TypeParam::kNone) {
      EXPECT_EQ(own, TypeParam::kBins - 1) << wanted;
    } else {
      EXPECT_TRUE(serves == own || serves == own + 1) << wanted;
    }
  }
}

TYPED_TEST(FitMapTest, FindsTheLowestBinFromEachOn) {
  TypeParam map;
  EXPECT_EQ(map.find_from(0), TypeParam::kNone);
  const unsigned kHeld[] = {1, 5, TypeParam::kSecond * 3, TypeParam::kBins - 1};
  for (const unsigned bin : kHeld) map.set(bin);
  for (unsigned from = 0; from < TypeParam::kBins; ++from) {
    unsigned lowest = TypeParam::kNone;
    for (const unsigned bin : kHeld) {
      if (bin >= from && lowest == TypeParam::kNone) lowest = bin;
    }
    ASSERT_EQ(map.find_from(from), lowest) << "from " << from;
  }
  EXPECT_EQ(map.find_from(TypeParam::kNone), TypeParam::kNone);
}

TYPED_TEST(FitMapTest, SetsAndClearsEachBinAlone) {
  TypeParam map;
  for (unsigned bin = 0; bin < TypeParam::kBins; ++bin) {
    map.set(bin);
    ASSERT_TRUE(map.is_set(bin) && map.is_consistent()) << bin;
    ASSERT_EQ(map.find_from(0), bin);
    ASSERT_EQ(map.highest(), bin);
    map.clear(bin);
    ASSERT_FALSE(map.is_set(bin)) << bin;
    ASSERT_TRUE(map.is_consistent());
    ASSERT_EQ(map.highest(), TypeParam::kNone);
  }
}

TYPED_TEST(FitMapTest, HighestIsTheLastOfAll) {
  TypeParam map;
  for (unsigned bin = 0; bin < TypeParam::kBins; bin += 3) {
    map.set(bin);
    ASSERT_EQ(map.highest(), bin);
  }
}

// Each bit of the map itself, those of no bin included.
TYPED_TEST(FitMapTest, AnyFlippedBitIsInconsistentOrAnotherBinsBit) {
  TypeParam map;
  for (const unsigned bin : {0U, 2U, TypeParam::kBins / 2}) map.set(bin);
  std::vector<bool> held(TypeParam::kBins);
  for (unsigned bin = 0; bin < TypeParam::kBins; ++bin) held[bin] = map.is_set(bin);
  const std::size_t used = sizeof(std::uint64_t) + TypeParam::kFirst * sizeof(std::uint32_t);
  for (unsigned bit = 0; bit < used * 8; ++bit) {
    TypeParam flipped = map;
    reinterpret_cast<unsigned char*>(&flipped)[bit / 8] ^= static_cast<unsigned char>(1U << (bit % 8));
    bool told = !flipped.is_consistent();
    for (unsigned bin = 0; bin < TypeParam::kBins; ++bin) told = told || flipped.is_set(bin) != held[bin];
    ASSERT_TRUE(told) << "bit " << bit;
    for (unsigned from = 0; from < TypeParam::kBins; ++from) {
      ASSERT_LE(flipped.find_from(from), TypeParam::kNone) << "a wild bin after a flip of bit " << bit;
    }
    ASSERT_LE(flipped.highest(), TypeParam::kNone);
  }
}

}  // namespace
}  // namespace trestle
