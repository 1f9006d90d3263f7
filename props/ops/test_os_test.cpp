#include "ops/test_os.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace trestle::ops {
namespace {

constexpr std::size_t kSome = 16 * kOsPage;

class TestOsTest : public testing::Test {
 protected:
  TestArena arena_;
  TestOs os_{arena_};

  static bool is_zero(const std::byte* at, std::size_t bytes) {
    return std::all_of(at, at + bytes, [](std::byte byte) { return byte == std::byte{0}; });
  }
  std::byte* committed(std::size_t bytes = kSome) {
    std::byte* const at = os_.reserve(bytes, kOsPage);
    EXPECT_TRUE(os_.commit(at, bytes));
    return at;
  }
};

TEST_F(TestOsTest, ReservesAlignedAndApart) {
  std::byte* const one = os_.reserve(kSome, kOsPage);
  std::byte* const other = os_.reserve(kSome, 1 << 20);
  ASSERT_NE(one, nullptr);
  ASSERT_NE(other, nullptr);
  EXPECT_GE(other, one + kSome);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(other) % (1 << 20), 0U);
  EXPECT_EQ(os_.reserve(TestArena::kBytes, kOsPage), nullptr);
  EXPECT_EQ(arena_.breach(), nullptr);
}

TEST_F(TestOsTest, CountsTheBytesThatMayBeAccessed) {
  std::byte* const at = committed();
  EXPECT_EQ(arena_.accessible_bytes(arena_.first(), arena_.last()), kSome);
  EXPECT_TRUE(os_.guard(at, kOsPage));
  EXPECT_EQ(arena_.accessible_bytes(arena_.first(), arena_.last()), kSome - kOsPage);
  EXPECT_EQ(arena_.accessible_bytes(at, at + 2 * kOsPage), kOsPage);
  EXPECT_EQ(arena_.accessible_bytes(at + kSome, arena_.last()), 0U);
}

TEST_F(TestOsTest, HasTwoProcessorsUntilToldOtherwise) {
  EXPECT_EQ(os_.processors(), 2U);
  arena_.set_processors(4);
  EXPECT_EQ(os_.processors(), 4U);
  arena_.reset();
  EXPECT_EQ(os_.processors(), 2U);
}

TEST_F(TestOsTest, CommittedPagesReadAsZeroAgainAfterARelease) {
  std::byte* at = committed();
  std::fill(at, at + kSome, std::byte{7});
  os_.release(at, kSome);
  at = committed();
  EXPECT_TRUE(is_zero(at, kSome));
}

TEST_F(TestOsTest, CommitKeepsWhatWasCommitted) {
  std::byte* const at = committed();
  at[5] = std::byte{7};
  EXPECT_TRUE(os_.commit(at, kSome));
  EXPECT_EQ(at[5], std::byte{7});
}

TEST_F(TestOsTest, PurgeZeroesShortAndLongRanges) {
  for (const std::size_t bytes : {kOsPage, std::size_t{1} << 20}) {
    std::byte* const at = committed(bytes);
    std::fill(at, at + bytes, std::byte{7});
    EXPECT_TRUE(os_.purge(at, bytes));
    EXPECT_TRUE(is_zero(at, bytes));
  }
}

TEST_F(TestOsTest, PurgeZeroesASingleByteWhereverItLies) {
  std::byte* const at = committed();
  for (std::size_t i = 0; i < 2 * kOsPage; i += 7) {
    at[i] = std::byte{1};
    ASSERT_TRUE(os_.purge(at, 2 * kOsPage));
    ASSERT_EQ(at[i], std::byte{0}) << i;
  }
}

TEST_F(TestOsTest, GuardedPagesComeBackAsZero) {
  std::byte* const at = committed();
  at[kOsPage] = std::byte{7};
  EXPECT_TRUE(os_.guard(at + kOsPage, kOsPage));
  EXPECT_TRUE(os_.unguard(at + kOsPage, kOsPage));
  EXPECT_TRUE(is_zero(at, kSome));
  EXPECT_EQ(arena_.breach(), nullptr);
}

TEST_F(TestOsTest, AGuardMayCoverAnother) {
  std::byte* const at = committed();
  EXPECT_TRUE(os_.guard(at + kOsPage, kOsPage));
  EXPECT_TRUE(os_.guard(at, kSome));
  EXPECT_TRUE(os_.unguard(at, kSome));
  EXPECT_EQ(arena_.breach(), nullptr);
}

TEST_F(TestOsTest, MovesPages) {
  std::byte* const from = committed();
  std::byte* const to = committed();
  std::fill(from, from + kSome, std::byte{7});
  EXPECT_TRUE(os_.move(from, to, kSome));
  EXPECT_TRUE(is_zero(from, kSome));
  EXPECT_TRUE(std::all_of(to, to + kSome, [](std::byte byte) { return byte == std::byte{7}; }));
}

TEST_F(TestOsTest, RefusesTheNthCallAndOnlyThat) {
  std::byte* const at = committed();
  arena_.refuse(2);
  EXPECT_TRUE(os_.purge(at, kSome));
  EXPECT_FALSE(os_.guard(at, kSome));
  EXPECT_TRUE(os_.guard(at, kSome));
  EXPECT_EQ(arena_.refused(), 1U);
  arena_.refuse(1);
  EXPECT_EQ(os_.reserve(kSome, kOsPage), nullptr);
  EXPECT_EQ(arena_.breach(), nullptr);
}

TEST_F(TestOsTest, ARefusedGuardChangesNothing) {
  std::byte* const at = committed();
  at[0] = std::byte{7};
  arena_.refuse(1);
  EXPECT_FALSE(os_.guard(at, kSome));
  EXPECT_EQ(at[0], std::byte{7});
}

TEST_F(TestOsTest, ItsClockMovesWhenTold) {
  const std::uint64_t before = os_.now_ms();
  EXPECT_EQ(os_.now_ms(), before);
  arena_.advance(250);
  EXPECT_EQ(os_.now_ms(), before + 250);
}

// Whatever is done in between, a restored arena is what it was when saved: pages, contents, reservations, clock and calls.
TEST_F(TestOsTest, RestoresWhatItSaved) {
  std::byte* const kept = committed();
  std::byte* const uncommitted = os_.reserve(kSome, kOsPage);
  std::fill(kept, kept + kSome, std::byte{7});
  ASSERT_TRUE(os_.guard(kept + kOsPage, kOsPage));
  arena_.save();
  const std::size_t calls = arena_.calls();
  const std::uint64_t now = arena_.now_ms();

  for (int round = 0; round < 2; ++round) {
    arena_.advance(10);
    ASSERT_TRUE(os_.unguard(kept + kOsPage, kOsPage));
    ASSERT_TRUE(os_.commit(uncommitted, kSome));
    std::byte* const added = committed();
    for (std::byte* const at : {kept, uncommitted, added}) std::fill(at, at + kSome, std::byte{9});
    ASSERT_TRUE(os_.guard(kept + 2 * kOsPage, kOsPage));
    if (round == 1) os_.release(added, kSome);
    ASSERT_FALSE(os_.purge(added, 2 * kSome));
    ASSERT_NE(arena_.breach(), nullptr);
    arena_.restore();

    EXPECT_EQ(arena_.calls(), calls);
    EXPECT_EQ(arena_.now_ms(), now);
    EXPECT_EQ(arena_.breach(), nullptr);
    EXPECT_FALSE(arena_.is_accessible(kept + kOsPage, kOsPage));
    EXPECT_FALSE(arena_.is_accessible(uncommitted, kOsPage));
    EXPECT_FALSE(arena_.is_accessible(added, kOsPage));
    ASSERT_TRUE(arena_.is_accessible(kept + 2 * kOsPage, kSome - 2 * kOsPage));
    EXPECT_TRUE(std::all_of(kept + 2 * kOsPage, kept + kSome, [](std::byte byte) { return byte == std::byte{7}; }));
  }
  EXPECT_TRUE(os_.unguard(kept + kOsPage, kOsPage));
  EXPECT_TRUE(is_zero(kept + kOsPage, kOsPage));
  EXPECT_TRUE(os_.commit(uncommitted, kSome));
  EXPECT_TRUE(is_zero(uncommitted, kSome));
  EXPECT_TRUE(is_zero(committed(), kSome));
  EXPECT_EQ(arena_.breach(), nullptr);
}

TEST_F(TestOsTest, TellsWhereAReservationBegins) {
  std::byte* const first = os_.reserve(kSome, kOsPage);
  std::byte* const second = os_.reserve(kSome, kOsPage);
  EXPECT_EQ(arena_.reserved_from(first), first);
  EXPECT_EQ(arena_.reserved_from(first + kSome - 1), first);
  EXPECT_EQ(arena_.reserved_from(second), second);
  EXPECT_EQ(arena_.reserved_from(arena_.last()), nullptr);
  os_.release(first, kSome);
  EXPECT_EQ(arena_.reserved_from(first), nullptr);
}

TEST_F(TestOsTest, OfTheThreadsThatAForkLostEachBeginsAnew) {
  const std::uint64_t self = arena_.thread();
  arena_.run_on(1);
  const std::uint64_t other = arena_.thread();
  arena_.own_cache().heap = 1;
  arena_.run_on(0);
  arena_.own_cache().heap = 2;
  arena_.lose_other_threads();
  EXPECT_EQ(arena_.thread(), self);
  EXPECT_EQ(arena_.own_cache().heap, 2U);
  arena_.run_on(1);
  EXPECT_NE(arena_.thread(), other);
  EXPECT_EQ(arena_.own_cache().heap, 0U);
}

struct Breach {
  const char* name;
  const char* text;
  void (*commit)(TestOs& os, std::byte* reserved, std::byte* committed);
};
class Breaches : public testing::TestWithParam<Breach> {};

TEST_P(Breaches, AreNamed) {
  TestArena arena;
  TestOs os(arena);
  std::byte* const reserved = os.reserve(kSome, kOsPage);
  std::byte* const committed = os.reserve(kSome, kOsPage);
  ASSERT_TRUE(os.commit(committed, kSome));
  ASSERT_EQ(arena.breach(), nullptr);
  GetParam().commit(os, reserved, committed);
  ASSERT_NE(arena.breach(), nullptr);
  EXPECT_STREQ(arena.breach(), GetParam().text);
  arena.reset();
  EXPECT_EQ(arena.breach(), nullptr);
  EXPECT_FALSE(arena.has_reservations());
}

INSTANTIATE_TEST_SUITE_P(
    Os, Breaches,
    testing::Values(Breach{"CommitAcrossTheEnd", "commit outside of a reservation",
                           [](TestOs& os, std::byte* at, std::byte*) { os.commit(at, 2 * kSome); }},
                    Breach{"CommitOfHalfAPage", "commit outside of a reservation",
                           [](TestOs& os, std::byte* at, std::byte*) { os.commit(at, kOsPage / 2); }},
                    Breach{"CommitOfAGuard", "commit of a guarded page",
                           [](TestOs& os, std::byte*, std::byte* at) { os.guard(at, kOsPage), os.commit(at, kSome); }},
                    Breach{"PurgeOfReserved", "purge of pages that are not committed",
                           [](TestOs& os, std::byte* at, std::byte*) { os.purge(at, kOsPage); }},
                    Breach{"GuardOfReserved", "guard of pages that are not committed",
                           [](TestOs& os, std::byte* at, std::byte*) { os.guard(at, kOsPage); }},
                    Breach{"UnguardOfUnguarded", "unguard of pages that are not guarded",
                           [](TestOs& os, std::byte*, std::byte* at) { os.unguard(at, kOsPage); }},
                    Breach{"ReleaseOfAPart", "release of a part of a reservation",
                           [](TestOs& os, std::byte*, std::byte* at) { os.release(at, kOsPage); }},
                    Breach{"ReleaseTwice", "release of what is not reserved",
                           [](TestOs& os, std::byte*, std::byte* at) { os.release(at, kSome), os.release(at, kSome); }},
                    Breach{"ReserveOfHalfAPage", "reserve of no whole pages",
                           [](TestOs& os, std::byte*, std::byte*) { std::ignore = os.reserve(kOsPage / 2, kOsPage); }},
                    Breach{"MoveToReserved", "move of pages that are not committed",
                           [](TestOs& os, std::byte* to, std::byte* from) { os.move(from, to, kOsPage); }},
                    Breach{"MoveOntoItself", "move onto itself",
                           [](TestOs& os, std::byte*, std::byte* at) { os.move(at, at + kOsPage, 2 * kOsPage); }}),
    [](const auto& planted) { return std::string(planted.param.name); });

}  // namespace
}  // namespace trestle::ops
