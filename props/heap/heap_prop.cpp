// Heap keeps every expectation under all programs and policies, and also where the OS refuses any one call.
#include <gtest/gtest.h>

#include "ops/heap_host.hpp"
#include "ops/program_property.hpp"

namespace trestle::ops {
namespace {

// With quarantines that programs fill, as in the fuzz targets. Static: one host for all properties of a policy.
template <Policy P>
HeapHost<with_short_quarantines(P)>& host_of() {
  static HeapHost<with_short_quarantines(P)> host;
  return host;
}

template <Policy P>
void expect_sound() {
  auto& host = host_of<P>();
  host.refuse_call(0);
  EXPECT_TRUE(holds_for_all_programs(std::string("Heap is sound under ") + P.name, kHeapVocabulary, host));
}

TEST(HeapProperty, HoldsUnderFast) { expect_sound<kFast>(); }
TEST(HeapProperty, HoldsUnderHardened) { expect_sound<kHardened>(); }
TEST(HeapProperty, HoldsUnderDebug) { expect_sound<kDebug>(); }

// Mistakes between the ops, and a system that refuses calls.
template <Policy P>
void expect_named_and_borne() {
  auto& host = host_of<P>();
  host.refuse_call(0);
  EXPECT_TRUE(holds_for_all_programs(std::string("Heap names every misuse under ") + P.name, kMisuseVocabulary, host));
  EXPECT_TRUE(holds_for_all_programs(std::string("Heap bears refusals under ") + P.name, kOomVocabulary, host));
}

TEST(HeapProperty, NamesMisuseAndBearsRefusalsUnderFast) { expect_named_and_borne<kFast>(); }
TEST(HeapProperty, NamesMisuseAndBearsRefusalsUnderHardened) { expect_named_and_borne<kHardened>(); }
TEST(HeapProperty, NamesMisuseAndBearsRefusalsUnderDebug) { expect_named_and_borne<kDebug>(); }

template <Policy P>
void expect_corruption_seen() {
  auto& host = host_of<P>();
  host.refuse_call(0);
  EXPECT_TRUE(holds_for_all_programs(std::string("Heap sees flipped bits under ") + P.name, kCorruptVocabulary, host));
}

TEST(HeapProperty, SeesCorruptionUnderFast) { expect_corruption_seen<kFast>(); }
TEST(HeapProperty, SeesCorruptionUnderHardened) { expect_corruption_seen<kHardened>(); }
TEST(HeapProperty, SeesCorruptionUnderDebug) { expect_corruption_seen<kDebug>(); }

// Of each program every call of the OS is refused once: the heap may answer null, and must stay sound.
template <Policy P>
void expect_sound_when_refused() {
  constexpr std::size_t kRefusedPrograms = 20;
  auto& host = host_of<P>();
  Random random(rc::detail::configuration().testParams.seed);
  std::size_t refusals = 0;
  for (std::size_t i = 0; i < kRefusedPrograms; ++i) {
    const Program program = generate(kHeapVocabulary, random, 48);
    host.refuse_call(0);
    ASSERT_EQ(run(program, host).has_value(), false);
    const std::size_t calls = host.os_calls();
    for (std::size_t nth = 1; nth <= calls; ++nth, ++refusals) {
      host.refuse_call(nth);
      const std::optional<Failure> failure = run(program, host);
      ASSERT_FALSE(failure.has_value()) << "call " << nth << " refused: " << counterexample(program, *failure, host);
    }
  }
  EXPECT_GT(refusals, kRefusedPrograms);
}

TEST(HeapProperty, SurvivesAnyRefusalUnderFast) { expect_sound_when_refused<kFast>(); }
TEST(HeapProperty, SurvivesAnyRefusalUnderHardened) { expect_sound_when_refused<kHardened>(); }
TEST(HeapProperty, SurvivesAnyRefusalUnderDebug) { expect_sound_when_refused<kDebug>(); }

}  // namespace
}  // namespace trestle::ops
