// What a heap tells of addresses and of its memory: to the report of a fault, to a signal handler, to who looks for leaks.
// Judged by where the model has its blocks and the harness's system its pages.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include "base/arith.hpp"
#include "base/engine.hpp"
#include "ops/oracle.hpp"
#include "ops/tier.hpp"
#include "os/os.hpp"

namespace trestle::ops {

// A host whose engine tells how far an address is from its region's start, and whether the caller is inside. region_of: where
// that region starts, as the system that gave it knows; null: the address is in none.
template <class H>
concept LocatingHost = requires(H host, const std::byte* at) {
  { host.region_of(at) } -> std::same_as<const std::byte*>;
  { host.engine().offset_of(at) } -> std::same_as<std::uint64_t>;
  { host.engine().is_entered_by_caller() } -> std::same_as<bool>;
};

// A host whose engine shows all the memory that it has. accessible_bytes: of those between the two addresses, in whole pages,
// the ones that may be read and written.
template <class H>
concept MappedHost = requires(H host, const std::byte* at, void (*visit)(const std::byte*, const std::byte*)) {
  { host.accessible_bytes(at, at) } -> std::same_as<std::size_t>;
  host.engine().for_each_mapping(visit);
  host.engine().lock_all();
  host.engine().unlock_all();
  { host.engine().is_kept_by_caller() } -> std::same_as<bool>;
};

// A host whose engine explains faults and refused accesses, and mends what a fault is about.
template <class H>
concept ExplainingHost =
    LocatingHost<H> && requires(H host, const std::byte* at, const Verdict& verdict, const Fault& fault) {
      { H::kPolicy } -> std::same_as<const Policy&>;
      { host.tier_of(at) } -> std::same_as<Tier>;
      { host.is_accessible(at, std::size_t{}) } -> std::same_as<bool>;
      { host.engine().explain(verdict, at) } -> std::same_as<Fault>;
      { host.engine().explain_access(at) } -> std::same_as<Fault>;
      { host.engine().is_alone(at) } -> std::same_as<bool>;
      { host.engine().is_mendable(fault) } -> std::same_as<bool>;
      { host.engine().mend(fault) } -> std::same_as<bool>;
    };
static_assert(!LocatingHost<int> && !MappedHost<int> && !ExplainingHost<int>);

template <class H>
class Inspector {
 public:
  Inspector(H& host, Oracle& oracle) : host_(host), oracle_(oracle) {}

  // All that the host's engine can be asked. The heap is as it was afterwards.
  void inspect() {
    if constexpr (LocatingHost<H>) {
      judge_offsets();
      judge_entered();
    }
    if constexpr (MappedHost<H>) judge_mappings();
    if constexpr (ExplainingHost<H>) {
      for (const SlotId slot : oracle_.model().live()) {
        const LiveBlock& block = oracle_.model().at(slot);
        judge_explained(block);
        judge_accesses(block);
        judge_alone(block.address, host_.tier_of(block.address) == Tier::large);
        judge_mended(block);
      }
      for (std::size_t i = 0; i < kFormer; ++i) judge_former(oracle_.model().freed(i));
      judge_nobodys();
    }
  }

 private:
  static constexpr std::size_t kFormer = 4;    // blocks freed before that are looked at
  static constexpr std::size_t kPagesOn = 17;  // looked at behind a live block: a span of blocks or slots, and one more
  static constexpr std::size_t kMostMappings = 64;

  void judge_offsets() {
    const auto judge = [&](const std::byte* at) {
      const std::byte* const region = host_.region_of(at);
      const std::uint64_t wanted = region == nullptr ? UINT64_MAX : static_cast<std::uint64_t>(at - region);
      if (const std::uint64_t told = host_.engine().offset_of(at); told != wanted)
        oracle_.violate(Expectation::place_told, "%p: %llu bytes from its region's start instead of %llu",
                        static_cast<const void*>(at), static_cast<unsigned long long>(told),
                        static_cast<unsigned long long>(wanted));
    };
    for (const SlotId slot : oracle_.model().live()) {
      judge(oracle_.model().at(slot).address);
      judge(oracle_.model().at(slot).end() - 1);
    }
    judge(host_.last());
  }
  // What a signal handler asks: its thread is inside in the visitor of a walk, and nowhere else.
  void judge_entered() {
    struct Look {
      typename H::EngineType& engine;
      bool shown = false;
      bool entered = false;
    } found{.engine = host_.engine()};
    const auto look = [](const BlockView&, void* context) {
      auto& seen = *static_cast<Look*>(context);
      seen.shown = true;
      seen.entered = seen.engine.is_entered_by_caller();
      return false;
    };
    (void)host_.engine().walk(BlockVisitor{look, &found});
    const bool after = host_.engine().is_entered_by_caller();
    if (found.entered == found.shown && !after) return;
    oracle_.violate(Expectation::caller_told, "inside in a walk: %d of %d, after it: %d", found.entered, found.shown,
                    after);
  }

  struct Mapping {
    const std::byte* from;
    const std::byte* to;
    [[nodiscard]] bool holds(const LiveBlock& block) const { return from <= block.address && block.end() <= to; }
  };
  struct Mappings {
    std::array<Mapping, kMostMappings> all{};
    std::size_t count = 0;
  };
  // As who looks for leaks asks, who keeps the locks: the heap's own memory is told once, and nobody else's.
  void judge_mappings() {
    Mappings told;
    host_.engine().lock_all();
    const bool kept = host_.engine().is_kept_by_caller();
    host_.engine().for_each_mapping([&](const std::byte* from, const std::byte* to) {
      if (told.count < kMostMappings) told.all[told.count] = {from, to};
      ++told.count;
    });
    host_.engine().unlock_all();
    if (!kept || host_.engine().is_kept_by_caller())
      return oracle_.violate(Expectation::caller_told, "keeps the locks: %d, then %d", kept,
                             host_.engine().is_kept_by_caller());
    if (told.count > kMostMappings)
      return oracle_.violate(Expectation::mappings_told, "%zu of them, at most %zu", told.count, kMostMappings);
    judge_extents(told);
    for (const SlotId slot : oracle_.model().live()) {
      const LiveBlock& block = oracle_.model().at(slot);
      std::size_t holders = 0;
      for (std::size_t i = 0; i < told.count; ++i) holders += told.all[i].holds(block) ? 1 : 0;
      if (holders != 1)
        return oracle_.violate(Expectation::mappings_told, "slot %zu at %p lies in %zu of them", index_of(slot),
                               static_cast<const void*>(block.address), holders);
    }
  }
  // The heap's own record is one. The others lie within the system's memory and have all of it that may be accessed.
  void judge_extents(const Mappings& told) {
    const auto* const itself = reinterpret_cast<const std::byte*>(&host_.engine());
    std::size_t records = 0;
    std::size_t accessible = 0;
    for (std::size_t i = 0; i < told.count; ++i) {
      const auto [from, to] = told.all[i];
      const bool is_record = from == itself && to == itself + sizeof(typename H::EngineType);
      records += is_record ? 1 : 0;
      if (is_record) continue;
      if (from >= to || from < host_.first() || to > host_.last())
        return oracle_.violate(Expectation::mappings_told, "%p to %p is not the system's",
                               static_cast<const void*>(from), static_cast<const void*>(to));
      accessible += host_.accessible_bytes(from, to);
    }
    const std::size_t wanted = host_.accessible_bytes(host_.first(), host_.last());
    if (records != 1 || accessible != wanted)
      oracle_.violate(Expectation::mappings_told, "the heap's record %zu times, %zu accessible bytes instead of %zu",
                      records, accessible, wanted);
  }

  // By its address, as of a leak, and by one within.
  void judge_explained(const LiveBlock& block) {
    const auto judge = [&](FaultKind kind, const std::byte* at) {
      const Fault told = host_.engine().explain({kind, at}, at);
      // Without canaries nothing tells the request of a slot.
      const bool unknown = H::kFeatures.slots_rounded && host_.tier_of(block.address) == Tier::slot;
      const std::size_t size = unknown ? 0 : block.size;
      const bool same = told.kind == kind && told.address == at && told.block == block.address;
      if (same && told.requested == size && (told.served >= block.size)) return;
      oracle_.violate(Expectation::block_told, "%s at %p told as %s of %zu bytes in %zu at %p, instead of %zu at %p",
                      traits_of(kind).name, static_cast<const void*>(at), traits_of(told.kind).name, told.requested,
                      told.served, told.block, size, static_cast<const void*>(block.address));
    };
    judge(FaultKind::leak, block.address);
    judge(FaultKind::interior_pointer, block.end() - 1);
  }

  // The hardware refuses nothing of what is live. Where it refuses something behind it, that is told; of a block with a span of
  // its own, and of one of no bytes, that it is behind that block.
  void judge_accesses(const LiveBlock& block) {
    if (block.size != 0) {
      judge_access(block.address, FaultKind::none);
      judge_access(block.end() - 1, FaultKind::none);
    } else if (!host_.is_accessible(block.address, 1)) {
      judge_behind(block, block.address);
    }
    const std::byte* at = block.address + block.size;
    at += align_up(address_of(at), kOsPage) - address_of(at);
    if (H::kPolicy.guard_pages && host_.tier_of(block.address) == Tier::large) {
      if (is_closed(at, block.address)) judge_behind(block, at);
      return;
    }
    for (std::size_t i = 0; i < kPagesOn; ++i, at += kOsPage)
      if (is_closed(at, block.address)) return judge_closed(at);
  }
  // Whether the address is in the same region as the other, and may not be accessed.
  [[nodiscard]] bool is_closed(const std::byte* at, const std::byte* other) {
    return host_.region_of(at) != nullptr && host_.region_of(at) == host_.region_of(other) &&
           !host_.is_accessible(at, 1);
  }
  void judge_access(const std::byte* at, FaultKind wanted) {
    const Fault told = host_.engine().explain_access(at);
    if (told.kind == wanted && told.address == at) return;
    oracle_.violate(Expectation::access_told, "%p: %s at %p instead of %s", static_cast<const void*>(at),
                    traits_of(told.kind).name, told.address, traits_of(wanted).name);
  }
  void judge_behind(const LiveBlock& block, const std::byte* at) {
    const Fault told = host_.engine().explain_access(at);
    if (told.kind == FaultKind::access_past_end && told.address == at && told.block == block.address &&
        told.requested == block.size)
      return;
    oracle_.violate(Expectation::access_told, "%p: %s in %zu bytes at %p, instead of behind %zu at %p",
                    static_cast<const void*>(at), traits_of(told.kind).name, told.requested, told.block, block.size,
                    static_cast<const void*>(block.address));
  }
  void judge_closed(const std::byte* at) {
    const Fault told = host_.engine().explain_access(at);
    if (!told.is_fault() || told.address != at)
      oracle_.violate(Expectation::access_told, "%p, which is closed: %s at %p", static_cast<const void*>(at),
                      traits_of(told.kind).name, told.address);
  }

  void judge_alone(const std::byte* at, bool wanted) {
    const bool inside = host_.engine().is_alone(at + 1);
    if (host_.engine().is_alone(at) == wanted && !inside) return;
    oracle_.violate(Expectation::block_told, "%p has a span of its own: %d, and a byte further on: %d; it has: %d",
                    static_cast<const void*>(at), host_.engine().is_alone(at), inside, wanted);
  }
  // The pad of a live block is whole, so that mending it changes nothing; what is not about bytes is never mended.
  void judge_mended(const LiveBlock& block) {
    const bool wanted = H::kPolicy.canary && host_.tier_of(block.address) != Tier::address;
    for (const FaultKind kind : {FaultKind::write_past_end, FaultKind::double_free}) {
      const Fault fault{.kind = kind, .address = block.address};
      const bool mendable = host_.engine().is_mendable(fault);
      const bool mended = host_.engine().mend(fault);
      if (mended == mendable && mended == (wanted && is_about_bytes(kind))) continue;
      oracle_.violate(Expectation::mend_told, "%s in %p: mendable %d, mended %d", traits_of(kind).name,
                      static_cast<const void*>(block.address), mendable, mended);
    }
    oracle_.judge_usable(block, host_.engine().usable_size(block.address));
  }

  // Where a block was freed before: alone iff one of a span of its own waits there still, or another lives there.
  void judge_former(const std::byte* at) {
    if (at == nullptr) return;
    if (is_closed(at, at)) judge_closed(at);
    struct Search {
      const std::byte* at;
      bool found = false;
    } search{at};
    const auto visit = [](const BlockView& shown, void* context) {
      auto& wanted = *static_cast<Search*>(context);
      wanted.found = wanted.found || (shown.payload == wanted.at && shown.state != BlockState::free);
      return !wanted.found;
    };
    (void)host_.engine().walk(BlockVisitor{visit, &search});
    judge_alone(at, search.found && host_.tier_of(at) == Tier::large);
  }
  // An address that the heap never had is none of its faults, and nobody's block.
  void judge_nobodys() {
    const std::byte local{};
    for (const std::byte* const at : {&local, host_.last()}) {
      if (host_.region_of(at) != nullptr) continue;
      judge_access(at, FaultKind::none);
      judge_alone(at, false);
    }
  }

  H& host_;
  Oracle& oracle_;
};

}  // namespace trestle::ops
