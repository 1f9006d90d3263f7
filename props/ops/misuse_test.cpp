// The judges of misuse and corruption: what a policy promises to see is tried, and a heap that lies about it is caught.
#include "ops/misuse.hpp"

#include <gtest/gtest.h>

#include "ops/buffer_host.hpp"
#include "ops/heap_host.hpp"
#include "policies.hpp"

namespace trestle::ops {
namespace {

constexpr Policy kDebugBriefly = with_short_quarantines(kDebug);

// What a heap in a buffer does not have.
bool is_out_of_band(CorruptKind what) { return what == CorruptKind::table || what == CorruptKind::book; }

enum class Lie { none, another_kind, another_address, all_is_well, blind_check, scribble_once_corrupt };

// A heap in a buffer that misreports what it finds.
struct LyingHeap {
  using Real = BufferHeap<kDebug>;
  Real* real = nullptr;
  Lie lie = Lie::none;
  std::byte* last_made = nullptr;

  [[nodiscard]] Verdict told(const Verdict& v) const noexcept {
    if (v.is_fault() && lie == Lie::another_kind) return {FaultKind::footer_corrupt, v.at};
    if (v.is_fault() && lie == Lie::all_is_well) return {};
    if (v.is_fault() && lie == Lie::another_address) return {v.kind, static_cast<const std::byte*>(v.at) + 1};
    return v;
  }
  Allocation allocate(std::size_t size, std::size_t alignment, Kind kind) noexcept {
    FaultSink sink;
    real->check(CheckLevel::full, sink);
    if (lie == Lie::scribble_once_corrupt && sink.count() != 0) *last_made = std::byte{0};
    const Allocation made = real->allocate(size, alignment, kind);
    if (sink.count() == 0) last_made = static_cast<std::byte*>(made.payload);
    return made;
  }
  Verdict deallocate(void* payload, const Release& how) noexcept { return told(real->deallocate(payload, how)); }
  Allocation reallocate(void* payload, std::size_t size) noexcept {
    const Allocation made = real->reallocate(payload, size);
    return made.is_fault() ? Allocation::failed(told(made.verdict())) : made;
  }
  Sized usable_size(const void* payload) noexcept {
    const Sized sized = real->usable_size(payload);
    return sized.is_fault() && lie == Lie::another_kind ? Sized{0, FaultKind::footer_corrupt} : sized;
  }
  void check(CheckLevel level, FaultSink& sink) noexcept {
    if (lie != Lie::blind_check) real->check(level, sink);
  }
  bool walk(BlockVisitor visitor) noexcept { return real->walk(visitor); }
};

class LyingHost : public BufferHeapHost<kDebug> {
 public:
  using EngineType = LyingHeap;
  explicit LyingHost(Lie lie) { heap_.lie = lie; }
  [[nodiscard]] EngineType& engine() {
    heap_.real = &BufferHeapHost<kDebug>::engine();
    return heap_;
  }

 private:
  LyingHeap heap_;
};

// A live block with a pad, a free one that is no neighbour of its, and one op more.
Program with(const Op& op) {
  return {Stage{.policy = PolicyName::debug, .buffer_bytes = 8192},
          {Allocate{.slot = SlotId{1}, .size = 300}, Allocate{.slot = SlotId{3}, .size = 50},
           Allocate{.slot = SlotId{2}, .size = 100}, Free{SlotId{1}}, op}};
}
Expectation violated(const Op& op, Lie lie) {
  LyingHost host(lie);
  const std::optional<Failure> failure = run(with(op), host);
  return failure ? failure->what : Expectation::met;
}

TEST(MisuseJudge, CatchesAHeapThatNamesAnotherFaultOrPlace) {
  for (std::size_t i = 0; i < kMisuseNames.size(); ++i) {
    const Misuse op{.slot = SlotId{2}, .what = static_cast<MisuseKind>(i), .by = 7};
    EXPECT_EQ(violated(op, Lie::none), Expectation::met) << name_of(op.what);
    if (op.what == MisuseKind::write_after_free) continue;
    EXPECT_EQ(violated(op, Lie::another_kind), Expectation::misuse_named) << name_of(op.what);
    const bool asks_size =
        op.what == MisuseKind::stale_size || op.what == MisuseKind::interior_size || op.what == MisuseKind::wild_size;
    if (asks_size) continue;  // the answer names no place
    EXPECT_EQ(violated(op, Lie::another_address), Expectation::misuse_named) << name_of(op.what);
  }
}

// Given the heap's own record, and a block that was freed some ops before: choices of who frees what is nobody's.
TEST(MisuseJudge, CatchesAHeapThatTakesWhatNeverWasABlockOrIsNoneAnyMore) {
  for (const std::size_t choice : {4U, 5U}) {
    const Misuse op{.slot = SlotId{2}, .what = MisuseKind::wild_free, .by = choice};
    EXPECT_EQ(violated(op, Lie::none), Expectation::met) << choice;
    EXPECT_EQ(violated(op, Lie::all_is_well), Expectation::misuse_named) << choice;
    EXPECT_EQ(violated(op, Lie::another_kind), Expectation::misuse_named) << choice;
  }
}

TEST(MisuseJudge, CatchesACheckThatSeesNothing) {
  for (const MisuseKind what :
       {MisuseKind::write_past_end, MisuseKind::write_before_start, MisuseKind::write_after_free})
    EXPECT_EQ(violated(Misuse{.slot = SlotId{2}, .what = what, .by = 5}, Lie::blind_check), Expectation::misuse_named);
}

TEST(CorruptJudge, CatchesACheckThatSeesNothing) {
  for (std::size_t i = 0; i < kCorruptNames.size(); ++i) {
    const Corrupt op{.what = static_cast<CorruptKind>(i), .at = 77};
    EXPECT_EQ(violated(op, Lie::none), Expectation::met) << name_of(op.what);
    const bool promised = op.what != CorruptKind::anything && !is_out_of_band(op.what);
    EXPECT_EQ(violated(op, Lie::blind_check), promised ? Expectation::corruption_seen : Expectation::met)
        << name_of(op.what);
  }
}

TEST(CorruptJudge, CatchesAHeapThatHarmsALiveBlockOnceItIsCorrupt) {
  EXPECT_EQ(violated(Corrupt{.what = CorruptKind::footer, .at = 77}, Lie::scribble_once_corrupt),
            Expectation::contents_kept);
}

// A host that says of bytes nobody looks at that they are the heap's table and books.
class BoastingHost : public HeapHost<kDebugBriefly> {
 public:
  void for_each_table(const auto& visit) { visit(unseen_.data(), unseen_.size()); }
  void for_each_book(const auto& visit) { visit(unseen_.data(), unseen_.size()); }

 private:
  std::array<std::byte, 8> unseen_{};
};

TEST(CorruptJudge, CatchesATableAndBooksThatNobodyChecks) {
  static BoastingHost host;
  for (const CorruptKind what : {CorruptKind::table, CorruptKind::book}) {
    const std::optional<Failure> failure = run(with(Corrupt{.what = what, .at = 3}), host);
    ASSERT_TRUE(failure.has_value()) << name_of(what);
    EXPECT_EQ(failure->what, Expectation::corruption_seen) << name_of(what);
  }
}

// Of some blocks of that size, made with the one that has the others to its left.
template <class H>
bool is_performed(MisuseKind what, std::size_t size) {
  static H host;
  World<H> world(host, Stage{.buffer_bytes = 8192});
  EXPECT_TRUE(host.start(Stage{.buffer_bytes = 8192}, world.oracle()));
  world.begin();
  for (const SlotId slot : {SlotId{1}, SlotId{2}, SlotId{3}, SlotId{4}})
    world.perform(Allocate{.slot = slot, .size = size});
  const SlotId last = world.model().live().back();
  const bool performed = Misuser<H>(host, world.oracle()).perform({.slot = last, .what = what, .by = 7});
  EXPECT_FALSE(world.oracle().is_violated()) << world.oracle().failure(0).detail;
  world.finish();
  host.stop();
  return performed;
}

// Whether there was such a byte, after blocks of every state, a slot and a large allocation.
template <class H>
bool is_performed(CorruptKind what) {
  static H host;
  World<H> world(host, Stage{.buffer_bytes = 16384});
  EXPECT_TRUE(host.start(Stage{.buffer_bytes = 16384}, world.oracle()));
  world.begin();
  constexpr SlotId kSome[] = {SlotId{1}, SlotId{2}, SlotId{3}, SlotId{4}};
  for (const SlotId slot : kSome) world.perform(Allocate{.slot = slot, .size = 1101});
  world.perform(Allocate{.slot = SlotId{5}, .size = 101});
  world.perform(Allocate{.slot = SlotId{6}, .size = 100'001});
  world.perform(Free{kSome[0]});
  world.perform(Free{kSome[2]});
  bool performed = false;
  for (const std::size_t at : {77U, 1'234'567U, 4'000'000'000U})
    performed = Corruptor<H>(host, world.oracle()).perform({.what = what, .at = at}) || performed;
  EXPECT_FALSE(world.oracle().is_violated()) << name_of(what) << ": " << world.oracle().failure(0).detail;
  world.finish();
  EXPECT_FALSE(world.oracle().is_violated()) << name_of(what) << ": " << world.oracle().failure(0).detail;
  EXPECT_EQ(host.stop(), nullptr);
  return performed;
}

template <class T>
class MisuseTest : public testing::Test {};
TYPED_TEST_SUITE(MisuseTest, EveryPolicy, PolicyNames);

// So that a mistake which is never made does not look like one that is always named.
TYPED_TEST(MisuseTest, EveryMistakeThatThePolicyPromisesToSeeIsMade) {
  constexpr Policy kPolicy = with_short_quarantines(TypeParam::kPolicy);
  constexpr std::size_t kSmall = 100;  // in a buffer a block, else a slot
  constexpr std::size_t kBlock = 5000;
  constexpr std::size_t kLarge = 100'001;
  for (std::size_t i = 0; i < kMisuseNames.size(); ++i) {
    const auto what = static_cast<MisuseKind>(i);
    const bool claim = what == MisuseKind::wrong_size || what == MisuseKind::wrong_alignment;
    const bool before = what == MisuseKind::write_before_start;  // of a block, which has a header, whatever the policy
    const bool promised = (what != MisuseKind::write_past_end || kPolicy.canary) &&
                          (!claim || kPolicy.sized_free_checked) &&
                          (what != MisuseKind::wrong_kind || kPolicy.kind_checked) &&
                          (what != MisuseKind::write_after_free || kPolicy.poison);
    EXPECT_EQ(is_performed<BufferHeapHost<TypeParam::kPolicy>>(what, kSmall), promised) << name_of(what);
    EXPECT_EQ(is_performed<HeapHost<kPolicy>>(what, kBlock), promised) << name_of(what);
    const bool by_canary = promised && (!before || kPolicy.canary);
    EXPECT_EQ(is_performed<HeapHost<kPolicy>>(what, kSmall), by_canary) << name_of(what);
    const bool block_only = what == MisuseKind::write_after_free;
    EXPECT_EQ(is_performed<HeapHost<kPolicy>>(what, kLarge), by_canary && !block_only) << name_of(what);
  }
}

TYPED_TEST(MisuseTest, EveryKindOfByteThatThePolicyProtectsCanBeFlipped) {
  constexpr Policy kPolicy = with_short_quarantines(TypeParam::kPolicy);
  for (std::size_t i = 0; i < kCorruptNames.size(); ++i) {
    const auto what = static_cast<CorruptKind>(i);
    const bool promised =
        (what != CorruptKind::canary || kPolicy.canary) && (what != CorruptKind::poison || kPolicy.poison);
    EXPECT_EQ(is_performed<BufferHeapHost<TypeParam::kPolicy>>(what), promised && !is_out_of_band(what))
        << name_of(what);
    EXPECT_EQ(is_performed<HeapHost<kPolicy>>(what), promised) << name_of(what);
  }
}

}  // namespace
}  // namespace trestle::ops
