// All 256 values that the byte of a state can have, by a bug or by a stray write.
#include "slab/slot_state.hpp"

#include <gtest/gtest.h>

#include <set>

namespace trestle {
namespace {

constexpr Kind kKinds[] = {Kind::by_malloc, Kind::by_new, Kind::by_new_array};
constexpr Rest kRests[] = {Rest::slab, Rest::magazine, Rest::quarantine};

TEST(SlotState, TellsWhatItWasMadeOf) {
  for (const Kind kind : kKinds) {
    EXPECT_TRUE(SlotState::used(kind).is_used());
    EXPECT_EQ(SlotState::used(kind).kind(), kind);
  }
  for (const Rest rest : kRests) {
    for (const bool fresh : {false, true}) {
      const SlotState state = SlotState::free(rest, fresh);
      EXPECT_FALSE(state.is_used());
      EXPECT_EQ(state.kind(), Kind::none);
      EXPECT_EQ(state.rest(), rest);
      EXPECT_EQ(state.is_fresh(), fresh);
    }
  }
}

TEST(SlotState, IsLegalOnlyAsSomeSlotCanHaveIt) {
  std::set<unsigned> legal;
  for (const Kind kind : kKinds) legal.insert(SlotState::used(kind).bits());
  for (const Rest rest : kRests) legal.insert(SlotState::free(rest, false).bits());
  for (const Rest rest : {Rest::slab, Rest::magazine}) legal.insert(SlotState::free(rest, true).bits());
  EXPECT_EQ(legal.size(), 8U);
  for (unsigned bits = 0; bits < 256; ++bits)
    EXPECT_EQ(SlotState::from(static_cast<std::uint8_t>(bits)).is_legal(), legal.contains(bits)) << bits;
  for (const unsigned state : legal) {
    for (unsigned bit = 0; bit < 8; ++bit) EXPECT_FALSE(legal.contains(state ^ 1U << bit)) << state << " bit " << bit;
  }
}

}  // namespace
}  // namespace trestle
