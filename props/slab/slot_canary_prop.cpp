// The pad of every request in every slot: it tells the request's size, it touches nothing else, and a change of any of its
// bytes is seen. Slots have places of their choice, not those at which they lie, so that a seed leads to the same pads again.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <set>
#include <vector>

#include "property.hpp"
#include "slab/slot_canary.hpp"

namespace trestle {
namespace {

struct Slot {
  Key key;
  std::uint64_t place = 0;
  std::size_t bytes = 0;
  std::size_t requested = 0;
  alignas(16) std::array<std::byte, kMaxSlot + 32> room;  // of which the slot's bytes are used, and 16 on each side

  [[nodiscard]] std::byte* at() { return room.data() + 16; }
  [[nodiscard]] SlotCanary canary() { return {key, at(), bytes, place}; }
  [[nodiscard]] const std::byte* broken(std::size_t& told) { return canary().broken(told); }
};

// Of a class up to `most` bytes: what is asked of every byte costs the square of their number.
Slot any_slot(std::size_t most = 1024) {
  Slot slot;
  slot.key = key_from(*any<std::uint64_t>());
  slot.place = *any<std::uint64_t>();
  slot.bytes = slot_bytes({*rc::gen::inRange<std::uint8_t>(0, class_for(most).index + 1)});
  slot.requested = *rc::gen::inRange<std::size_t>(0, slot.bytes);
  std::fill_n(slot.room.begin(), slot.bytes + 32, std::byte{*any<std::uint8_t>()});
  return slot;
}

void expect_telling(std::size_t most) {
  Slot slot = any_slot(most);
  const std::vector before(slot.room.begin(), slot.room.begin() + static_cast<std::ptrdiff_t>(slot.bytes) + 32);
  slot.canary().write(slot.requested);
  std::size_t told = 0;
  RC_ASSERT((slot.broken(told) == nullptr));
  RC_ASSERT(told == slot.requested);
  RC_ASSERT(slot.canary().requested() == slot.requested);
  RC_ASSERT(slot.at()[slot.bytes - 1] != std::byte{0});
  const auto same = [&](std::size_t from, std::size_t to) {
    return std::memcmp(slot.room.data() + from, before.data() + from, to - from) == 0;
  };
  RC_ASSERT(same(0, 16 + slot.requested));
  RC_ASSERT(same(16 + slot.bytes, before.size()));
}
TEST(SlotCanaryProperty, TellsTheRequestAndLeavesTheRest) {
  constexpr const char* kClaim =
      "a written pad is whole, tells the request's size, ends in no zero, and leaves what is beside it";
  EXPECT_TRUE(holds(kClaim, [] { expect_telling(1024); }, 10));
  EXPECT_TRUE(holds(kClaim, [] { expect_telling(kMaxSlot); }));
}

// Of one wrong byte the code is the only one that can go unseen, and only where it then tells of a pad of itself alone.
TEST(SlotCanaryProperty, SeesAChangeOfAnyByteButOneValueOfTheCode) {
  EXPECT_TRUE(holds("each other value of each byte of a pad is seen, but one of the last byte's 255", [] {
    Slot slot = any_slot();
    slot.canary().write(slot.requested);
    for (std::size_t i = slot.requested; i + 1 < slot.bytes; ++i) {
      const std::byte right = slot.at()[i];
      slot.at()[i] ^= static_cast<std::byte>(*rc::gen::inRange(1, 256));
      std::size_t told = 0;
      RC_ASSERT((slot.broken(told) != nullptr));
      slot.at()[i] = right;
    }
    const std::byte right = slot.at()[slot.bytes - 1];
    std::size_t unseen = 0;
    for (int value = 0; value < 256; ++value) {
      if (std::byte(value) == right) continue;
      slot.at()[slot.bytes - 1] = std::byte(value);
      std::size_t told = 0;
      if (slot.broken(told) != nullptr) continue;
      RC_ASSERT(value != 0);
      RC_ASSERT(told < slot.bytes);
      ++unseen;
    }
    // A pad of n bytes may end as one of m; their words agree in m - 1 bytes once in 255^(m - 1) times.
    RC_ASSERT(unseen <= 3);
  }));
}

TEST(SlotCanaryProperty, SeesEveryBitThatChanged) {
  EXPECT_TRUE(holds("each bit of each byte of a pad is seen when it alone changes", [] {
    Slot slot = any_slot();
    slot.canary().write(slot.requested);
    for (std::size_t bit = slot.requested * 8; bit < slot.bytes * 8; ++bit) {
      const auto mask = static_cast<std::byte>(1U << (bit % 8));
      slot.at()[bit / 8] ^= mask;
      std::size_t told = 0;
      RC_ASSERT((slot.broken(told) != nullptr));
      slot.at()[bit / 8] ^= mask;
    }
  }));
}

TEST(SlotCanaryProperty, NamesTheFirstByteThatAnOverflowWrote) {
  EXPECT_TRUE(holds(
      "bytes written on from the request's end are found at the first one that differs, where the pad's length still "
      "shows",
      [] {
        Slot slot = any_slot();
        slot.canary().write(slot.requested);
        const std::size_t pad = slot.bytes - slot.requested;
        RC_PRE(pad >= 2);
        const std::size_t written = *rc::gen::inRange<std::size_t>(1, pad >= 127 ? pad - 2 : pad);
        std::byte* const from = slot.at() + slot.requested;
        for (std::size_t i = 0; i < written; ++i) from[i] ^= static_cast<std::byte>(*rc::gen::inRange(1, 256));
        std::size_t told = 0;
        const std::byte* const wrong = slot.broken(told);
        RC_ASSERT((wrong != nullptr));
        // A third of the pad whole, or short enough to be believed.
        RC_PRE(pad <= kSlotStep || pad - 1 - written > 2);
        RC_ASSERT((wrong == from));
        RC_ASSERT(told == slot.requested);
      },
      20));
}

TEST(SlotCanaryProperty, ForgetsNothingWhenItsEndIsOverwritten) {
  EXPECT_TRUE(holds(
      "bytes written below the next slot are found at the first one, and the request's size is still told",
      [] {
        Slot slot = any_slot();
        const std::size_t pad = slot.bytes - slot.requested;
        RC_PRE(pad >= 8 && pad < 127);
        slot.canary().write(slot.requested);
        const std::size_t written = *rc::gen::inRange<std::size_t>(1, pad - 4);
        std::byte* const from = slot.at() + slot.bytes - written;
        for (std::size_t i = 0; i < written; ++i) from[i] ^= static_cast<std::byte>(*rc::gen::inRange(1, 256));
        std::size_t told = 0;
        // A last byte that tells of a pad too short to show that it is none.
        RC_PRE(slot.canary().requested() == SlotCanary::kNone || slot.canary().requested() + 3 < slot.bytes);
        RC_ASSERT((slot.broken(told) == from));
        RC_ASSERT(told == slot.requested);
      },
      20));
}

// The lengths at which the pad's form changes, in the smallest slot that has them.
TEST(SlotCanary, IsWholeAtEachLengthAtWhichItsFormChanges) {
  for (const std::size_t pad : {1U, 2U, 15U, 16U, 17U, 125U, 126U, 127U, 128U, 129U, 130U, 255U, 1024U}) {
    for (std::uint64_t secret = 1; secret <= 64; ++secret) {
      Slot slot;
      slot.key = key_from(secret);
      slot.place = secret * 4096;
      slot.bytes = slot_bytes(class_for(pad));
      slot.requested = slot.bytes - pad;
      slot.canary().write(slot.requested);
      std::size_t told = 0;
      ASSERT_EQ(slot.broken(told), nullptr) << pad;
      ASSERT_EQ(told, slot.requested);
    }
  }
}

// What changes a code into that of another length differs from key to key: no change of the last byte passes under most.
TEST(SlotCanary, HasNoChangeOfItsLastByteThatPassesUnderMostKeys) {
  constexpr unsigned kKeys = 512;
  alignas(16) std::array<std::byte, 160> room{};
  for (const std::size_t pad : {2U, 3U, 12U, 17U, 126U}) {
    const std::size_t bytes = slot_bytes(class_for(pad + 16));
    for (unsigned mask = 1; mask < 256; ++mask) {
      unsigned passed = 0;
      for (unsigned secret = 0; secret < kKeys; ++secret) {
        const SlotCanary canary(key_from(secret), room.data(), bytes, 4096);
        canary.write(bytes - pad);
        room[bytes - 1] ^= static_cast<std::byte>(mask);
        std::size_t told = 0;
        passed += canary.is_whole(told);
      }
      ASSERT_LT(passed, kKeys * 3 / 4) << "pad " << pad << ", mask " << mask;
    }
  }
}

// Code, length and word are other ones under another key, and at another place.
TEST(SlotCanary, DependsOnKeyAndPlace) {
  for (const std::size_t pad : {12U, 200U}) {
    std::set<std::vector<std::byte>> seen;
    std::set<std::byte> codes;
    alignas(16) std::array<std::byte, 256> room{};
    for (std::size_t i = 0; i < 64; ++i) {
      const bool other_key = i % 2 == 0;
      const SlotCanary canary(key_from(other_key ? i : 1), room.data(), 256, other_key ? 0 : i * 512);
      canary.write(256 - pad);
      seen.insert({room.data() + 256 - pad, room.data() + 256});
      codes.insert(room[255]);
      EXPECT_EQ(canary.requested(), 256 - pad);
    }
    EXPECT_EQ(seen.size(), 64U);
    EXPECT_GT(codes.size(), 30U);
  }
}

}  // namespace
}  // namespace trestle
