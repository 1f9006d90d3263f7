// The oracle against a brute-force one: a map that says of every byte whose it is.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "ops/oracle.hpp"
#include "property.hpp"

namespace trestle::ops {
namespace {

constexpr std::size_t kArena = 2048;
constexpr std::size_t kLongest = 256;  // blocks to this size are verified whole

// A block to place, if the oracle allows it there; and whether another one goes afterwards.
struct Step {
  std::size_t offset;  // from 64 bytes before the arena
  std::size_t size;
  std::size_t alignment;
  bool then_remove;
};
void showValue(const Step& step, std::ostream& out) {
  out << "{" << static_cast<std::ptrdiff_t>(step.offset) - 64 << ", " << step.size << " bytes, aligned to "
      << step.alignment << (step.then_remove ? ", then one goes}" : "}");
}

rc::Gen<std::vector<Step>> steps() {
  const auto make = [](std::size_t offset, std::size_t size, unsigned shift, bool removes) {
    return Step{offset, size, std::size_t{1} << shift, removes};
  };
  const auto sizes =
      rc::gen::oneOf(rc::gen::inRange<std::size_t>(0, 20), rc::gen::inRange<std::size_t>(0, kLongest + 1));
  return rc::gen::container<std::vector<Step>>(
      rc::gen::apply(make, rc::gen::inRange<std::size_t>(0, kArena + 128), sizes,
                     rc::gen::weightedElement<unsigned>({{5, 0}, {1, 1}, {1, 4}}), rc::gen::arbitrary<bool>()));
}

// An oracle, and who owns each byte of its arena (0: nobody; n: slot n - 1).
class Owners {
 public:
  void perform(const Step& step) {
    std::byte* const at = storage_.data() + step.offset;
    Oracle trial = oracle_;
    trial.judge_place(at, step.size, step.alignment, first(), last());
    RC_ASSERT(trial.failure(0).what == brute_force(step));
    if (!trial.is_violated() && oracle_.model().live().size() < kSlots) place(at, step.size);
    if (step.then_remove && !oracle_.model().live().empty()) remove(step.offset);
  }
  void hold() const {
    RC_ASSERT(Oracle::longest_gap(oracle_.model(), first(), last()) == longest_run_of_nobody());
    for (const std::size_t stride : {std::size_t{1}, kArena - 1, std::size_t{577}}) {  // upwards, downwards, to and fro
      std::size_t cursor = 0;
      for (std::size_t i = 0; i < kArena; ++i) {
        const std::size_t at = i * stride % kArena;
        RC_ASSERT((oracle_.model().first_ending_after(first() + at, cursor) == ending_after(at)));
      }
    }
  }
  // One byte changes: the oracle minds iff somebody owns it.
  void hold_contents(std::size_t offset, std::byte change) {
    first()[offset] ^= change;
    Oracle trial = oracle_;
    trial.judge_all_contents();
    RC_ASSERT(trial.is_violated() == (owners_[offset] != 0 && size_of_owner(offset) != 0));
    if (trial.is_violated()) RC_ASSERT(trial.failure(0).what == Expectation::contents_kept);
    for (const SlotId slot : oracle_.model().live()) {
      const LiveBlock& block = oracle_.model().at(slot);
      for (const std::size_t kept : {std::size_t{0}, block.size / 2, block.size}) {
        Oracle part = oracle_;
        part.judge_contents(block, block.address, kept);
        RC_ASSERT(part.is_violated() == lies_in(block, kept, offset));
      }
    }
    first()[offset] ^= change;
  }
  // A free block is shown: the oracle minds iff one of its bytes is owned.
  void hold_shown(std::size_t offset, std::size_t served) {
    Oracle::Shown seen;
    Oracle trial = oracle_;
    const bool good = trial.judge_shown({first() + offset, 0, served, BlockState::free, Kind::none}, seen);
    const auto from = owners_.begin() + static_cast<std::ptrdiff_t>(offset);
    const bool apart =
        std::all_of(from, from + static_cast<std::ptrdiff_t>(served), [](unsigned owner) { return owner == 0; });
    RC_ASSERT(good == apart);
  }

 private:
  [[nodiscard]] std::byte* first() { return storage_.data() + 64; }
  [[nodiscard]] const std::byte* first() const { return storage_.data() + 64; }
  [[nodiscard]] const std::byte* last() const { return first() + kArena; }

  [[nodiscard]] Expectation brute_force(const Step& step) const {
    const std::size_t extent = std::max<std::size_t>(step.size, 1);
    if (step.offset < 64 || step.offset - 64 + extent > kArena) return Expectation::block_inside_heap;
    if (step.offset % step.alignment != 0) return Expectation::block_aligned;  // the storage is aligned further
    for (std::size_t i = 0; i < extent; ++i)
      if (owners_[step.offset - 64 + i] != 0) return Expectation::blocks_disjoint;
    return Expectation::met;
  }
  void place(std::byte* at, std::size_t size) {
    unsigned slot = 0;
    while (!oracle_.model().is_empty(SlotId{static_cast<std::uint8_t>(slot)})) ++slot;
    const SlotId id{static_cast<std::uint8_t>(slot)};
    oracle_.model().place(id, size, 1, Kind::by_malloc);
    oracle_.model().settle(id, at);
    Oracle::fill(oracle_.model().at(id));
    give(oracle_.model().at(id), slot + 1);
  }
  void remove(std::size_t pick) {
    const SlotId gone = oracle_.model().live()[pick % oracle_.model().live().size()];
    give(oracle_.model().at(gone), 0);
    oracle_.model().remove(gone);
  }
  void give(const LiveBlock& block, unsigned owner) {
    std::fill_n(owners_.begin() + (block.address - first()), block.extent(), owner);
  }
  [[nodiscard]] std::size_t longest_run_of_nobody() const {
    std::size_t longest = 0;
    std::size_t run = 0;
    for (const unsigned owner : owners_) longest = std::max(longest, run = owner == 0 ? run + 1 : 0);
    return longest;
  }
  // Of the blocks that own a byte from `offset` on, the one that owns the first such byte.
  [[nodiscard]] const LiveBlock* ending_after(std::size_t offset) const {
    for (std::size_t i = offset; i < kArena; ++i)
      if (owners_[i] != 0) return &oracle_.model().at(SlotId{static_cast<std::uint8_t>(owners_[i] - 1)});
    return nullptr;
  }
  [[nodiscard]] std::size_t size_of_owner(std::size_t offset) const {
    return oracle_.model().at(SlotId{static_cast<std::uint8_t>(owners_[offset] - 1)}).size;
  }
  [[nodiscard]] bool lies_in(const LiveBlock& block, std::size_t bytes, std::size_t offset) const {
    const auto start = static_cast<std::size_t>(block.address - first());
    return offset >= start && offset < start + bytes;
  }

  alignas(64) std::array<std::byte, 64 + kArena + 64 + kLongest> storage_{};
  std::array<unsigned, kArena> owners_{};
  Oracle oracle_{Model{}};
};

TEST(OracleProperty, JudgesPlacesAndGapsAsAMapOfBytesDoes) {
  EXPECT_TRUE(holds(
      "the oracle's places, gaps and neighbours are those of a map of bytes",
      [] {
        const std::vector<Step> all = *steps();
        Owners owners;
        for (const Step& step : all) owners.perform(step);
        owners.hold();
      },
      5));
}

TEST(OracleProperty, MindsEveryOwnedByteAndNoOther) {
  EXPECT_TRUE(holds(
      "the oracle minds a changed byte, and a free block over it, iff a block owns it",
      [] {
        const std::vector<Step> all = *steps();
        Owners owners;
        for (const Step& step : all) owners.perform(step);
        const auto change = static_cast<std::byte>(*rc::gen::inRange(1, 256));
        for (const std::size_t at :
             *rc::gen::container<std::vector<std::size_t>>(20, rc::gen::inRange<std::size_t>(0, kArena))) {
          owners.hold_contents(at, change);
          owners.hold_shown(at, *rc::gen::inRange<std::size_t>(1, std::min<std::size_t>(64, kArena - at + 1)));
        }
      },
      5));
}

}  // namespace
}  // namespace trestle::ops
