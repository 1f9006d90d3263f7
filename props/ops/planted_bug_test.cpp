// The oracle is shown to fail: a heap with one bug is caught by the expectation that the bug breaks, and by no other; the
// same heap without a bug is not.
#include <gtest/gtest.h>

#include "ops/bitmap_host.hpp"
#include "ops/ddmin.hpp"
#include "ops/fake_engine.hpp"
#include "ops/generate.hpp"

namespace trestle::ops {
namespace {

constexpr std::size_t kPrograms = 200;
constexpr std::size_t kOps = 64;

// Both vocabularies in turn, since only one has allocate_zeroed and only the other has a buffer that resizes.
Program random_program(Random& random, std::size_t turn) {
  return generate(turn % 2 == 0 ? kHeapVocabulary : kBufferVocabulary, random, kOps);
}

struct Found {
  Program program;
  Failure failure;
};
std::optional<Found> hunt(FakeHost& host) {
  Random random(1);
  for (std::size_t i = 0; i < kPrograms; ++i) {
    Program program = random_program(random, i);
    if (std::optional<Failure> failure = run(program, host)) return Found{std::move(program), std::move(*failure)};
  }
  return std::nullopt;
}

struct Planted {
  const char* name;
  Bug bug;
  Expectation expectation;
};
void PrintTo(const Planted& planted, std::ostream* out) { *out << planted.name; }

class PlantedBug : public testing::TestWithParam<Planted> {};

TEST_P(PlantedBug, IsCaughtByItsOwnExpectation) {
  FakeHost host(GetParam().bug);
  const std::optional<Found> found = hunt(host);
  ASSERT_TRUE(found.has_value());
  EXPECT_STREQ(name_of(found->failure.what), name_of(GetParam().expectation)) << found->failure.detail;
  EXPECT_FALSE(found->failure.detail.empty());
}

TEST_P(PlantedBug, ShrinksToAProgramOfAFewOpsThatStillFails) {
  FakeHost host(GetParam().bug);
  const std::optional<Found> found = hunt(host);
  ASSERT_TRUE(found.has_value());
  const auto fails = [&](const Program& program) {
    const std::optional<Failure> failure = run(program, host);
    return failure && failure->what == found->failure.what;
  };
  const Program smallest = shrink(found->program, fails);
  EXPECT_TRUE(fails(smallest));
  EXPECT_LE(smallest.ops.size(), kOps / 4) << to_cpp(smallest);
}

INSTANTIATE_TEST_SUITE_P(
    Fake, PlantedBug,
    testing::Values(Planted{"RefusesToStart", Bug::refuses_to_start, Expectation::engine_starts},
                    Planted{"Overlaps", Bug::overlaps, Expectation::blocks_disjoint},
                    Planted{"LosesAlignment", Bug::loses_alignment, Expectation::block_aligned},
                    Planted{"LeavesBuffer", Bug::leaves_buffer, Expectation::block_inside_heap},
                    Planted{"RefusesEarly", Bug::refuses_early, Expectation::memory_is_there},
                    Planted{"ServesImpossible", Bug::serves_impossible, Expectation::impossible_size_refused},
                    Planted{"ForgetsZeroing", Bug::forgets_zeroing, Expectation::memory_zeroed},
                    Planted{"ZeroesShort", Bug::zeroes_short, Expectation::memory_zeroed},
                    Planted{"DropsReallocContents", Bug::drops_realloc_contents, Expectation::contents_kept},
                    Planted{"FreesOnFailedRealloc", Bug::frees_on_failed_realloc, Expectation::free_apart_from_live},
                    Planted{"RoundsUsableSize", Bug::rounds_usable_size, Expectation::usable_size_exact},
                    Planted{"RefusesFree", Bug::refuses_free, Expectation::legal_call_succeeds},
                    Planted{"RefusesSizedFree", Bug::refuses_sized_free, Expectation::legal_call_succeeds},
                    Planted{"WritesOnFree", Bug::writes_on_free, Expectation::contents_kept},
                    Planted{"CheckFinds", Bug::check_finds, Expectation::heap_sound},
                    Planted{"WalkSkipsOne", Bug::walk_skips_one, Expectation::walk_matches},
                    Planted{"WalkEndsEarly", Bug::walk_ends_early, Expectation::walk_complete},
                    Planted{"WalkShowsRounded", Bug::walk_shows_rounded, Expectation::walk_matches},
                    Planted{"WalkShowsWrongKind", Bug::walk_shows_wrong_kind, Expectation::walk_matches},
                    Planted{"WalkFreeTooLong", Bug::walk_free_too_long, Expectation::free_apart_from_live},
                    Planted{"ShrinksOverLive", Bug::shrinks_over_live, Expectation::buffer_resizes},
                    Planted{"GrowsShort", Bug::grows_short, Expectation::buffer_resizes},
                    Planted{"NeverShrinks", Bug::never_shrinks, Expectation::buffer_resizes},
                    Planted{"GrowDoesNothing", Bug::grow_does_nothing, Expectation::buffer_resizes},
                    Planted{"MovesBadly", Bug::moves_badly, Expectation::buffer_moves},
                    Planted{"ForgetsAFree", Bug::forgets_a_free, Expectation::stats_match},
                    Planted{"CountsServedBytes", Bug::counts_served_bytes, Expectation::stats_match},
                    Planted{"ForgetsThePeak", Bug::forgets_the_peak, Expectation::stats_match},
                    Planted{"Misplaces", Bug::misplaces, Expectation::place_told},
                    Planted{"NeverLeft", Bug::never_left, Expectation::caller_told},
                    Planted{"ForgetsItself", Bug::forgets_itself, Expectation::mappings_told},
                    Planted{"MapsShort", Bug::maps_short, Expectation::mappings_told},
                    Planted{"KeepsLocks", Bug::keeps_locks, Expectation::caller_told},
                    Planted{"ExplainsAsLarger", Bug::explains_as_larger, Expectation::block_told},
                    Planted{"ExplainsNext", Bug::explains_next, Expectation::block_told},
                    Planted{"RefusesLiveBytes", Bug::refuses_live_bytes, Expectation::access_told},
                    Planted{"ClosesUnknown", Bug::closes_unknown, Expectation::access_told},
                    Planted{"ClaimsAll", Bug::claims_all, Expectation::access_told},
                    Planted{"AllAlone", Bug::all_alone, Expectation::block_told},
                    Planted{"MendsWhatItRefuses", Bug::mends_what_it_refuses, Expectation::mend_told},
                    Planted{"ForgetsSettings", Bug::forgets_settings, Expectation::settings_hold},
                    Planted{"LeavesReservation", Bug::leaves_reservation, Expectation::os_contract_kept}),
    [](const auto& planted) { return std::string(planted.param.name); });

// Pages of that size there are not, but a buffer that has room for them.
TEST(PlantedBug, AHeapThatRefusesABufferWithRoomIsSeenByItsHost) {
  BitmapHeapHost<kFast> host;
  const std::optional<Failure> failure = run(Program{Stage{.buffer_bytes = 8192, .page_bytes = 300}, {}}, host);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->what, Expectation::engine_starts) << failure->detail;
}

TEST(PlantedBug, NoneIsSeenWhereNoneIs) {
  FakeHost host(Bug::none);
  const std::optional<Found> found = hunt(host);
  EXPECT_FALSE(found.has_value()) << name_of(found->failure.what) << ": " << found->failure.detail << "\n"
                                  << to_cpp(found->program);
}

}  // namespace
}  // namespace trestle::ops
