#include "base/fault.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "faults.hpp"

namespace trestle {
namespace {

// The numbers that programs, logs and other languages have written down. A row is added at the end, none ever changes.
constexpr std::array<const char*, TRESTLE_FAULT_KIND_COUNT> kNames{"none",
                                                                   "double free",
                                                                   "interior pointer",
                                                                   "not a block",
                                                                   "wild pointer",
                                                                   "stale pointer",
                                                                   "write past end",
                                                                   "write before start",
                                                                   "write after free",
                                                                   "size mismatch",
                                                                   "alignment mismatch",
                                                                   "kind mismatch",
                                                                   "header corrupt",
                                                                   "footer corrupt",
                                                                   "block overruns span",
                                                                   "boundary tag mismatch",
                                                                   "uncoalesced neighbours",
                                                                   "free link corrupt",
                                                                   "bin mismatch",
                                                                   "accounting mismatch",
                                                                   "descriptor corrupt",
                                                                   "span tiling",
                                                                   "uncoalesced spans",
                                                                   "span bin mismatch",
                                                                   "quarantine corrupt",
                                                                   "control corrupt",
                                                                   "access past end",
                                                                   "access after free",
                                                                   "wild access",
                                                                   "leak",
                                                                   "access before start"};

TEST(FaultTraits, NumbersAndNamesAreStable) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    EXPECT_STREQ(traits_of(static_cast<FaultKind>(i)).name, kNames[i]) << i;
  EXPECT_EQ(static_cast<int>(FaultKind::double_free), 1);
  EXPECT_EQ(static_cast<int>(FaultKind::write_past_end), 6);
  EXPECT_EQ(static_cast<int>(FaultKind::header_corrupt), 12);
  EXPECT_EQ(static_cast<int>(FaultKind::descriptor_corrupt), 20);
  EXPECT_EQ(static_cast<int>(FaultKind::control_corrupt), 25);
  EXPECT_EQ(static_cast<int>(FaultKind::access_after_free), 27);
  EXPECT_EQ(static_cast<int>(FaultKind::leak), 29);
  EXPECT_EQ(TRESTLE_FAULT_KIND_COUNT, 31);
}

TEST(FaultTraits, EveryKindHasAMeaningAndItsInvariant) {
  std::set<std::string> names;
  std::set<int> invariants;
  for (int i = 0; i < TRESTLE_FAULT_KIND_COUNT; ++i) {
    const FaultTraits& traits = traits_of(static_cast<FaultKind>(i));
    ASSERT_NE(traits.meaning, nullptr) << i;
    EXPECT_NE(std::string(traits.meaning), "") << i;
    EXPECT_TRUE(names.insert(traits.name).second) << traits.name;
    if (traits.invariant != 0) invariants.insert(traits.invariant);
  }
  // I14 shares its kind with I9, I22 with I17, whose numbers those kinds bear.
  EXPECT_EQ(invariants, (std::set<int>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17}));
}

TEST(FaultTraits, AnUnknownKindReadsAsNone) {
  EXPECT_STREQ(traits_of(static_cast<FaultKind>(TRESTLE_FAULT_KIND_COUNT)).name, "none");
  EXPECT_STREQ(traits_of(static_cast<FaultKind>(255)).name, "none");
}

TEST(FaultSink, CountsAllAndKeepsTheFirst) {
  std::array<Fault, 2> room{};
  FaultSink sink(room.data(), room.size());
  for (const FaultKind kind : {FaultKind::double_free, FaultKind::span_tiling, FaultKind::bin_mismatch})
    sink.add({.kind = kind});
  EXPECT_EQ(sink.count(), 3U);
  EXPECT_EQ(room[0].kind, FaultKind::double_free);
  EXPECT_EQ(room[1].kind, FaultKind::span_tiling);
  FaultSink counting;
  counting.add({.kind = FaultKind::double_free});
  EXPECT_EQ(counting.count(), 1U);
}

}  // namespace
}  // namespace trestle
