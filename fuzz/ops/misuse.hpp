// Mistakes made with a sound heap: each must be named exactly, kind and address, by the call or by heap_check, and leave the
// heap as it was. A byte that the owner overwrites is put back, so the program goes on.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/policy.hpp"
#include "block/header.hpp"
#include "heap/large.hpp"
#include "ops/edge.hpp"
#include "ops/op.hpp"
#include "ops/oracle.hpp"
#include "ops/tier.hpp"

namespace trestle::ops {

struct Stray {
  std::byte* at = nullptr;
  FaultKind kind = FaultKind::none;
};

// tier_of: where the payload of a block, live or not, lies. first, last: where the heap's memory begins and ends.
// is_accessible: the bytes may be read and written. never_a_block: an address inside of the heap's memory that is no
// block's, null if there is none, and what it is called. for_each_record: calls visit(std::byte* at, std::size_t bytes) for
// what the heap keeps about itself under a seal.
template <class H>
concept MisusableHost =
    requires(H host, const std::byte* at, std::size_t bytes, void (*visit)(std::byte*, std::size_t)) {
      { H::kPolicy } -> std::same_as<const Policy&>;
      { host.tier_of(at) } -> std::same_as<Tier>;
      { host.is_accessible(at, bytes) } -> std::same_as<bool>;
      { host.never_a_block() } -> std::same_as<Stray>;
      { host.first() } -> std::same_as<const std::byte*>;
      { host.last() } -> std::same_as<const std::byte*>;
      host.for_each_record(visit);
    };
static_assert(!MisusableHost<int>);

template <MisusableHost H>
class Misuser {
 public:
  Misuser(H& host, Oracle& oracle) : host_(host), oracle_(oracle) {}

  // False iff the mistake cannot be made with this block, or the policy does not promise to see it; then at most the block
  // was freed, as the model was told.
  bool perform(const Misuse& op) {
    const LiveBlock block = oracle_.model().at(op.slot);
    switch (op.what) {
      case MisuseKind::double_free:
      case MisuseKind::stale_realloc:
      case MisuseKind::stale_size:
        return give(op.slot, block) && use_stale(op.what, block);
      case MisuseKind::interior_free:
      case MisuseKind::interior_realloc:
      case MisuseKind::interior_size:
        return use_interior(op, block);
      case MisuseKind::wild_free:
      case MisuseKind::wild_realloc:
      case MisuseKind::wild_size:
        return use_wild(op.what, op.by);
      case MisuseKind::wrong_size:
      case MisuseKind::wrong_alignment:
      case MisuseKind::wrong_kind:
        return claim_wrongly(op, block);
      case MisuseKind::write_past_end:
        return write_past_end(op.by, block);
      case MisuseKind::write_before_start:
        return write_before_start(op.by, block);
      case MisuseKind::write_after_free:
        return give(op.slot, block) && write_after_free(op.by, block);
    }
    return false;
  }

 private:
  static constexpr std::size_t kTelling = 8;  // a pad of so many bytes, but its last, is no accident

  bool give(SlotId slot, const LiveBlock& block) {
    const Verdict v = deallocate_at_edge(host_.engine(), block.address, {.kind = block.kind});
    if (v.is_fault())
      oracle_.violate(Expectation::legal_call_succeeds, "free of %p: %s", static_cast<void*>(block.address), name(v));
    oracle_.model().remove(slot);
    return true;
  }

  bool use_stale(MisuseKind what, const LiveBlock& block) {
    std::byte* const at = block.address;
    if (what == MisuseKind::double_free)
      return expect(deallocate_at_edge(host_.engine(), at, {.kind = block.kind}), FaultKind::double_free, at);
    if (what == MisuseKind::stale_realloc)
      return expect(host_.engine().reallocate(at, block.size + 1).verdict(), FaultKind::stale_pointer, at);
    return expect({host_.engine().usable_size(at).kind, at}, FaultKind::stale_pointer, at);
  }

  bool use_interior(const Misuse& op, const LiveBlock& block) {
    if (block.size < 2) return false;
    std::byte* const inside = block.address + 1 + op.by % (block.size - 1);
    const Verdict v =
        op.what == MisuseKind::interior_free      ? deallocate_at_edge(host_.engine(), inside, {.kind = block.kind})
        : op.what == MisuseKind::interior_realloc ? host_.engine().reallocate(inside, block.size).verdict()
                                                  : Verdict{host_.engine().usable_size(inside).kind, inside};
    return expect(v, FaultKind::interior_pointer, inside) && expect_explained(v, inside, block);
  }

  bool use_wild(MisuseKind what, std::size_t by) {
    constexpr std::size_t kWild = 6;
    alignas(kMinAlignment) static std::array<std::byte, 64> elsewhere{};
    alignas(kMinAlignment) std::array<std::byte, 64> local{};
    const Stray never = host_.never_a_block();
    void* const wild[] = {local.data() + 32,
                          elsewhere.data() + 32,
                          reinterpret_cast<void*>(kMinAlignment + by % 4096 * kMinAlignment),
                          reinterpret_cast<void*>(UINTPTR_MAX - 15),
                          never.at,
                          former_block(by / kWild)};
    static_assert(std::size(wild) == kWild);
    const std::size_t choice = by % kWild;
    void* const chosen = wild[choice];
    if (chosen == nullptr) return false;
    const Verdict v = what == MisuseKind::wild_free      ? deallocate_at_edge(host_.engine(), chosen, {})
                      : what == MisuseKind::wild_realloc ? host_.engine().reallocate(chosen, 1 + by % 100).verdict()
                                                         : Verdict{host_.engine().usable_size(chosen).kind, chosen};
    if (choice < 4) return expect(v, FaultKind::wild_pointer, chosen);
    if (choice == 4) return expect(v, never.kind, chosen);
    return expect_former(what, v, static_cast<const std::byte*>(chosen));
  }
  // What has become of its memory since says which fault it is: inside of a live block there is one answer, elsewhere the
  // memory may be free still, inside of what is free or of a pad, or have been nobody's since it was put to another use.
  bool expect_former(MisuseKind what, const Verdict& v, const std::byte* former) {
    if (lies_in_live(former)) return expect(v, FaultKind::interior_pointer, former);
    const FaultKind gone = what == MisuseKind::wild_free ? FaultKind::double_free : FaultKind::stale_pointer;
    const bool outside = former < host_.first() || former >= host_.last();  // of a buffer that shrank
    const bool legal = v.kind == gone || v.kind == FaultKind::interior_pointer || v.kind == FaultKind::not_a_block ||
                       (outside && v.kind == FaultKind::wild_pointer);
    return expect(v, legal ? v.kind : gone, former);
  }
  [[nodiscard]] bool lies_in_live(const std::byte* at) {
    for (const SlotId slot : oracle_.model().live()) {
      const LiveBlock& block = oracle_.model().at(slot);
      if (at >= block.address && at < block.address + block.size) return true;
    }
    return false;
  }
  // The address of a block freed some ops before, which is no block's by now; null: there is none.
  [[nodiscard]] std::byte* former_block(std::size_t by) {
    std::byte* const former = oracle_.model().freed(by);
    for (const SlotId slot : oracle_.model().live())
      if (oracle_.model().at(slot).address == former) return nullptr;
    return former;
  }

  static Kind other_kind(Kind kind, std::size_t by) {
    constexpr Kind kKinds[] = {Kind::by_malloc, Kind::by_new, Kind::by_new_array};
    const auto own = static_cast<std::size_t>(std::find(std::begin(kKinds), std::end(kKinds), kind) - kKinds);
    return kKinds[(own + 1 + by % 2) % std::size(kKinds)];
  }
  bool claim_wrongly(const Misuse& op, const LiveBlock& block) {
    Release how{.kind = block.kind};
    FaultKind wanted = FaultKind::kind_mismatch;
    if (op.what == MisuseKind::wrong_kind) {
      if (!H::kPolicy.kind_checked || !H::kFeatures.kinds) return false;
      how.kind = other_kind(block.kind, op.by);
    } else {
      if (!H::kPolicy.sized_free_checked) return false;
      const bool size = op.what == MisuseKind::wrong_size;
      wanted = size ? FaultKind::size_mismatch : FaultKind::alignment_mismatch;
      const auto address = reinterpret_cast<std::uintptr_t>(block.address);
      const bool less = op.by % 2 != 0 && block.size != 0;
      const std::size_t amount = op.by / 2;
      if (size) how.size = less ? block.size - 1 - amount % block.size : block.size + 1 + amount % kSlots;
      if (!size) how.alignment = (address & (~address + 1)) * 2;
    }
    const Verdict v = deallocate_at_edge(host_.engine(), block.address, how);
    return expect(v, wanted, block.address) && expect_explained(v, block.address, block);
  }

  bool write_past_end(std::size_t by, const LiveBlock& block) {
    // The last byte of a slot, or of units, tells the pad's length: whoever overwrites it leaves no telling where it began.
    const Tier tier = host_.tier_of(block.address);
    const std::size_t told = H::kPolicy.canary && (tier == Tier::slot || tier == Tier::unit) ? 1 : 0;
    const std::size_t pad = served(block) - block.size;
    if (!H::kPolicy.canary || pad == 0) return false;
    if (pad == told || by % pad >= pad - told) return overwrite_telling_byte(block, served(block), by / pad);
    return overwrite(block.address + block.size + by % (pad - told), by, FaultKind::write_past_end, block);
  }
  // One bit of it: no other code is as near. The fault is named, but where the pad began nobody knows.
  bool overwrite_telling_byte(const LiveBlock& block, std::size_t served, std::size_t bit) {
    std::byte* const at = block.address + served - 1;
    const std::byte old = std::exchange(*at, *at ^ static_cast<std::byte>(1U << bit % 8));
    Fault first;
    FaultSink sink(&first, 1);
    host_.engine().check(CheckLevel::full, sink);
    const Verdict freed = deallocate_at_edge(host_.engine(), block.address, {.kind = block.kind});
    if (sink.count() != 1 || first.kind != FaultKind::write_past_end || first.block != block.address ||
        freed.kind != FaultKind::write_past_end)
      oracle_.violate(Expectation::misuse_named, "the last byte of %p: %zu faults, %s in %p, free said %s",
                      static_cast<void*>(block.address), sink.count(), traits_of(first.kind).name, first.block,
                      name(freed));
    *at = old;
    return true;
  }
  bool write_before_start(std::size_t by, const LiveBlock& block) {
    switch (host_.tier_of(block.address)) {
      case Tier::block:
        return overwrite_header(by, block);
      case Tier::slot:
        return H::kPolicy.canary && overwrite_left_slot(by, block);
      case Tier::large:
        return H::kPolicy.canary && host_.is_accessible(block.address - kLargeLead, kLargeLead) &&
               overwrite(block.address - 1 - by % kLargeLead, by, FaultKind::write_before_start, block);
      case Tier::unit:
      case Tier::address:
        return false;
    }
    return false;
  }
  // Nothing that its header says is believed then, by whichever call.
  bool overwrite_header(std::size_t by, const LiveBlock& block) {
    std::byte* const at = block.address - 1 - by % kHeaderBytes;
    const std::byte old = std::exchange(*at, *at ^ static_cast<std::byte>(1 + by % 255));
    (void)expect_checked(FaultKind::header_corrupt, block.address - kHeaderBytes, block.address);
    const Verdict freed = deallocate_at_edge(host_.engine(), block.address, {.kind = block.kind});
    const Verdict moved = host_.engine().reallocate(block.address, block.size + 1).verdict();
    const Verdict sized{host_.engine().usable_size(block.address).kind, block.address};
    for (const Verdict& said : {freed, moved, sized}) (void)expect(said, FaultKind::header_corrupt, block.address);
    *at = old;
    return true;
  }
  // One bit of the slot's last byte that lies to the left: where that is somebody's, it is the code of a pad, which no other
  // code is as near to. heap_check and the neighbour's free take it for the neighbour's fault; the owner's free knows better,
  // where it looks there.
  bool overwrite_left_slot(std::size_t bit, const LiveBlock& block) {
    const auto ends_here = [&](const BlockView& shown) { return shown.payload + shown.served == block.address; };
    const std::optional<BlockView> left = find_view(ends_here);
    if (!left || host_.tier_of(left->payload) != Tier::slot) return false;
    const bool live = left->state == BlockState::live;
    if (!live && left->served > H::kPolicy.poison_limit) return false;
    std::byte* const at = block.address - 1;
    const std::byte old = std::exchange(*at, *at ^ static_cast<std::byte>(1U << bit % 8));
    // Of a pad that is too short to tell, nobody knows any more where it began.
    const bool told = !live || left->served - left->requested >= kTelling;
    (void)expect_checked(live ? FaultKind::write_past_end : FaultKind::write_after_free, told ? at : nullptr,
                         left->payload);
    if (live) expect_left_named(*left, told ? at : nullptr);
    constexpr std::size_t kCacheLine = 64;
    if (H::kPolicy.far_neighbour || !is_aligned(block.address, kCacheLine)) expect_below_named(block, *left, told);
    undo(at, old, live ? FaultKind::write_past_end : FaultKind::write_after_free, told);
    return true;
  }
  // By the free of that neighbour.
  void expect_left_named(const BlockView& left, const std::byte* at) {
    const Verdict v = deallocate_at_edge(host_.engine(), const_cast<std::byte*>(left.payload), {.kind = Kind::none});
    (void)expect(v, FaultKind::write_past_end, at != nullptr ? at : v.at);
  }
  // By the free of the block itself. A policy that makes room in its quarantine first may come upon the neighbour there.
  void expect_below_named(const LiveBlock& block, const BlockView& left, bool told) {
    const Verdict v = deallocate_at_edge(host_.engine(), block.address, {.kind = block.kind});
    if (!told && v.kind == FaultKind::write_past_end) return;
    if (left.state == BlockState::retired && v.kind == FaultKind::write_after_free && v.at == block.address - 1) return;
    (void)expect(v, FaultKind::write_before_start, told ? block.address - 1 : v.at);
    if (told) (void)expect_explained(v, block.address, block);
  }

  // The owner still lives: heap_check, free and realloc all name the byte.
  bool overwrite(std::byte* at, std::size_t by, FaultKind wanted, const LiveBlock& block) {
    const std::byte old = std::exchange(*at, *at ^ static_cast<std::byte>(1 + by % 255));
    const bool named = expect_checked(wanted, at, block.address);
    const Verdict freed = deallocate_at_edge(host_.engine(), block.address, {.kind = block.kind});
    const bool said =
        expect(freed, wanted, at) && expect_moved(wanted, at, block) && expect_explained(freed, block.address, block);
    const bool slot = host_.tier_of(block.address) == Tier::slot;
    undo(at, old, wanted, !slot || served(block) - block.size >= kTelling);
    return named && said;
  }

  // heap_check names the byte that was written: anywhere in the poison of a block that waits, or behind a free one's links.
  bool write_after_free(std::size_t by, const LiveBlock& block) {
    const std::optional<BlockView> freed = view(block.address);
    if (!H::kPolicy.poison || !freed) return false;
    const Poisoned poisoned = poisoned_part(*freed, host_.tier_of(block.address), H::kPolicy);
    if (poisoned.bytes == 0) return false;
    std::byte* const at = block.address + poisoned.from + by % poisoned.bytes;
    const std::byte old = std::exchange(*at, *at ^ static_cast<std::byte>(1 + by % 255));
    const bool named = expect_checked(FaultKind::write_after_free, at, block.address);
    undo(at, old, FaultKind::write_after_free, true);
    return named;
  }

  // What was overwritten comes back: by the heap itself, if it is one that mends and enough is left to tell what was there.
  void undo(std::byte* at, std::byte old, FaultKind kind, bool told) {
    if constexpr (requires { host_.engine().mend(Fault{}); }) {
      const bool mended = told && host_.engine().mend({.kind = kind, .address = at});
      if (told && (!mended || *at != old))
        oracle_.violate(Expectation::misuse_named, "%s at %p is %s: 0x%x instead of 0x%x", traits_of(kind).name,
                        static_cast<void*>(at), mended ? "mended" : "not mended", std::to_integer<unsigned>(*at),
                        std::to_integer<unsigned>(old));
    }
    *at = old;
  }
  bool expect(const Verdict& got, FaultKind wanted, const void* at) {
    if (got.kind == wanted && got.at == at) return true;
    oracle_.violate(Expectation::misuse_named, "%s at %p instead of %s at %p", name(got), got.at,
                    traits_of(wanted).name, at);
    return true;
  }
  // By realloc, which may have to move the block, and find no memory.
  bool expect_moved(FaultKind wanted, const void* at, const LiveBlock& block) {
    return expect(host_.engine().reallocate(block.address, block.size + 1).verdict(), wanted, at);
  }
  bool expect_explained(const Verdict& verdict, const void* given, const LiveBlock& block) {
    if constexpr (H::kFeatures.stats) {
      const Fault told = host_.engine().explain(verdict, given);
      // Without canaries nothing tells the request of a slot.
      const bool unknown = !H::kPolicy.canary && host_.tier_of(block.address) == Tier::slot;
      const std::size_t size = unknown ? 0 : block.size;
      if (told.kind != verdict.kind || told.block != block.address || told.requested != size)
        oracle_.violate(Expectation::misuse_named, "%s told of %p, %zu bytes, instead of %p, %zu", name(verdict),
                        told.block, told.requested, static_cast<void*>(block.address), size);
    }
    return true;
  }
  // A null `at`: anywhere.
  bool expect_checked(FaultKind wanted, const std::byte* at, const std::byte* block) {
    Fault first;
    FaultSink sink(&first, 1);
    host_.engine().check(CheckLevel::full, sink);
    const bool there = at == nullptr || first.address == at;
    if (sink.count() == 1 && first.kind == wanted && there && first.block == block) return true;
    oracle_.violate(Expectation::misuse_named, "heap_check: %zu faults, %s at %p in %p, instead of %s at %p in %p",
                    sink.count(), traits_of(first.kind).name, first.address, first.block, traits_of(wanted).name,
                    static_cast<const void*>(at), static_cast<const void*>(block));
    return true;
  }

  [[nodiscard]] static const char* name(const Verdict& v) { return traits_of(v.kind).name; }
  [[nodiscard]] std::size_t served(const LiveBlock& block) {
    const std::optional<BlockView> seen = view(block.address);
    return seen ? seen->served : block.size;
  }
  [[nodiscard]] std::optional<BlockView> view(const std::byte* payload) {
    return find_view([=](const BlockView& shown) { return shown.payload == payload; });
  }
  // The first that a walk shows for which matches(view) is true.
  template <class Matches>
  [[nodiscard]] std::optional<BlockView> find_view(Matches matches) {
    struct Search {
      Matches& matches;
      std::optional<BlockView> found;
    } search{matches, std::nullopt};
    const auto visit = [](const BlockView& shown, void* context) {
      auto& wanted = *static_cast<Search*>(context);
      if (wanted.matches(shown)) wanted.found = shown;
      return !wanted.found;
    };
    (void)host_.engine().walk(BlockVisitor{visit, &search});
    return search.found;
  }

  H& host_;
  Oracle& oracle_;
};

}  // namespace trestle::ops
