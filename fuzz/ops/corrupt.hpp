// The heap's own bytes overwritten: a full check must end, stay in bounds, and report every single bit that was flipped in a
// byte that it protects. Then the heap is used on as it is: no call may leave its bounds or harm a live block. Then it is
// taken back to what it was, and the program goes on.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <tuple>

#include "block/header.hpp"
#include "ops/misuse.hpp"
#include "ops/random.hpp"

namespace trestle::ops {

// A host that can take its whole heap back to the state it saved, whatever has become of it.
template <class H>
concept RestorableHost = requires(H host) {
  host.save();
  host.restore();
};

// A host whose heap keeps a table of granules and books out of band. is_followed_blindly: a heap in which that byte is wrong
// is checked, but not used.
template <class H>
concept BookkeepingHost = requires(H host, const std::byte* at, void (*visit)(std::byte*, std::size_t)) {
  host.for_each_table(visit);
  host.for_each_book(visit);
  { host.is_followed_blindly(at) } -> std::same_as<bool>;
};

template <MisusableHost H>
class Corruptor {
 public:
  Corruptor(H& host, Oracle& oracle) : host_(host), oracle_(oracle) {}

  // False iff the heap has no such byte; nothing was done then.
  bool perform(const Corrupt& op) {
    const bool wild = op.what == CorruptKind::anything;
    const Range where = find(op.what, wild ? op.at : op.at / 8);
    if (where.bytes == 0) return false;
    std::array<std::byte, kMost> old;
    const std::size_t bytes = wild ? std::min(where.bytes, 1 + op.at % kMost) : 1;
    std::memcpy(old.data(), where.at, bytes);
    if constexpr (RestorableHost<H>) host_.save();
    if (wild) {
      Random random(op.at);
      for (std::size_t i = 0; i < bytes; ++i) where.at[i] = std::byte{random.byte()};
    } else {
      *where.at ^= static_cast<std::byte>(1U << (op.at % 8));
    }
    judge(op, where.at);
    if constexpr (RestorableHost<H>) {
      if (!is_followed_blindly(where.at)) use_corrupt_heap(op.at, {where.at, bytes});
      host_.restore();
    }
    std::memcpy(where.at, old.data(), bytes);
    return true;
  }

 private:
  static constexpr std::size_t kMost = 16;  // bytes that are overwritten at once
  static constexpr int kScribble = 0x5A;

  struct Range {
    std::byte* at = nullptr;
    std::size_t bytes = 0;
  };

  void judge(const Corrupt& op, const std::byte* at) {
    Fault first;
    FaultSink sink(&first, 1);
    host_.engine().check(CheckLevel::full, sink);
    if (sink.count() == 0 && op.what != CorruptKind::anything)
      oracle_.violate(Expectation::corruption_seen, "bit %zu of the byte at %p (%s)", op.at % 8,
                      static_cast<const void*>(at), name_of(op.what));
  }

  [[nodiscard]] bool is_followed_blindly([[maybe_unused]] const std::byte* at) {
    if constexpr (BookkeepingHost<H>) return host_.is_followed_blindly(at);
    return false;
  }

  // What the calls answer is nobody's promise. Each ends and stays in bounds, and what the owners of live blocks have put
  // there stays as it is, but for the bytes that were overwritten.
  void use_corrupt_heap(std::size_t seed, Range wrong) {
    std::array<std::byte*, kSlots> kept{};
    for (const SlotId slot : oracle_.model().live()) {
      const LiveBlock& block = oracle_.model().at(slot);
      const std::byte* const end = wrong.at + wrong.bytes;
      const bool hit = wrong.at < block.end() && block.address < end;
      std::byte* const left = use(block, (index_of(slot) + seed) % 4, seed);
      kept[index_of(slot)] = hit ? nullptr : left;
    }
    for (const std::size_t size : {std::size_t{1}, seed % 512, seed % 8192, seed % 100'000}) {
      const Allocation made = host_.engine().allocate(size, kMinAlignment, Kind::by_malloc);
      if (made.payload != nullptr && !made.is_fault()) std::memset(made.payload, kScribble, size);
    }
    if constexpr (H::kFeatures.trim) std::ignore = host_.engine().trim(0);
    for (const SlotId slot : oracle_.model().live()) {
      const LiveBlock& block = oracle_.model().at(slot);
      if (kept[index_of(slot)] != nullptr) oracle_.judge_contents(block, kept[index_of(slot)], block.size);
    }
    FaultSink sink;
    host_.engine().check(CheckLevel::full, sink);
    if (const char* const broken = host_.wrong()) oracle_.violate(Expectation::os_contract_kept, "%s", broken);
  }

  // Where the block's contents lie after one call or two about it; null where it was freed.
  std::byte* use(const LiveBlock& block, std::size_t how, std::size_t seed) {
    auto& engine = host_.engine();
    std::ignore = engine.usable_size(block.address);
    if (how == 0)
      return deallocate_at_edge(engine, block.address, {.kind = block.kind}).is_fault() ? block.address : nullptr;
    if (how != 1) return block.address;
    const Allocation moved = engine.reallocate(block.address, block.size + seed % 4096);
    const bool failed = moved.payload == nullptr || moved.is_fault();
    return failed ? block.address : static_cast<std::byte*>(moved.payload);
  }

  // The n-th byte of that kind, counted around, and how many follow it in its range. Of what is anything, one in so many lies
  // in the books.
  Range find(CorruptKind what, std::size_t n) {
    constexpr std::size_t kBooksOneIn = 4;
    if (what == CorruptKind::book) return find_in_books(n);
    if (what == CorruptKind::anything && n % kBooksOneIn == kBooksOneIn - 1)
      if (const Range found = find_in_books(n / kBooksOneIn); found.bytes != 0) return found;
    std::size_t total = 0;
    for_each_range(what, [&](std::byte*, std::size_t bytes) { total += bytes; });
    if (total == 0) return {};
    n %= total;
    Range found;
    for_each_range(what, [&](std::byte* at, std::size_t bytes) {
      if (found.bytes == 0 && n < bytes) found = {at + n, bytes - n};
      if (found.bytes == 0) n -= bytes;
    });
    return found;
  }

  // Books are of all lengths: each of them has the same chance.
  Range find_in_books(std::size_t n) {
    std::size_t total = 0;
    for_each_range(CorruptKind::book, [&](std::byte*, std::size_t) { ++total; });
    Range found;
    std::size_t index = 0;
    for_each_range(CorruptKind::book, [&](std::byte* at, std::size_t bytes) {
      const std::size_t from = n / total % bytes;
      if (index++ == n % total) found = {at + from, bytes - from};
    });
    return found;
  }

  template <class Visit>
  void for_each_range(CorruptKind what, Visit visit) {
    if (what == CorruptKind::record || what == CorruptKind::anything) host_.for_each_record(visit);
    if constexpr (BookkeepingHost<H>) {
      if (what == CorruptKind::table || what == CorruptKind::anything) host_.for_each_table(visit);
      if (what == CorruptKind::book) host_.for_each_book(visit);
    }
    if (what == CorruptKind::record || what == CorruptKind::table || what == CorruptKind::book) return;
    struct Walk {
      Corruptor& self;
      CorruptKind what;
      Visit& visit;
    } walk{*this, what, visit};
    const auto each = [](const BlockView& shown, void* context) {
      auto& all = *static_cast<Walk*>(context);
      all.self.visit_ranges(all.what, shown, all.visit);
      return true;
    };
    (void)host_.engine().walk(BlockVisitor{each, &walk});
  }

  // The bytes of that kind in and about one block; of poison only what is sure to be there.
  template <class Visit>
  void visit_ranges(CorruptKind what, const BlockView& shown, Visit& visit) {
    auto* const payload = const_cast<std::byte*>(shown.payload);
    std::byte* const end = payload + shown.served;
    const Tier tier = host_.tier_of(payload);
    const bool block = tier == Tier::block;
    const bool free = block && shown.state == BlockState::free;
    const bool guarded = H::kPolicy.canary && shown.state == BlockState::live;
    if (what == CorruptKind::header && block) {
      visit(payload - kHeaderBytes, kHeaderBytes);
      visit(end, kHeaderBytes);  // the next block's, or the end header
    } else if (what == CorruptKind::footer && free) {
      visit(end - kFooterBytes, kFooterBytes);
    } else if (what == CorruptKind::link && free) {
      visit(payload, kLinkBytes);
    } else if (what == CorruptKind::canary && guarded) {
      const bool led = tier == Tier::large && host_.is_accessible(payload - kLargeLead, kLargeLead);
      if (led) visit(payload - kLargeLead, kLargeLead);
      if (shown.served != shown.requested) visit(payload + shown.requested, shown.served - shown.requested);
    } else if (what == CorruptKind::poison && shown.state != BlockState::live) {
      const Poisoned poisoned = poisoned_part(shown, tier, H::kPolicy);
      if (poisoned.bytes != 0) visit(payload + poisoned.from, poisoned.bytes);
    } else if (what == CorruptKind::anything && block) {
      visit(payload - kHeaderBytes, shown.served + kHeaderBytes);
    } else if (what == CorruptKind::anything && shown.served != 0 && host_.is_accessible(payload, shown.served)) {
      visit(payload, shown.served);
    }
  }

  H& host_;
  Oracle& oracle_;
};

}  // namespace trestle::ops
