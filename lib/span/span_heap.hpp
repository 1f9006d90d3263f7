// Spans from one region, and from more as each fills up; what is free goes back to the system by age, and by a budget of
// bytes that may stay dirty. Every method but find, region_of, is_roomy and the two for records needs the lock. Lock
// order: arena, span, system.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/sync.hpp"
#include "span/region.hpp"

namespace trestle {

struct SpanConfig {
  std::size_t region_bytes = 0;
  std::uint64_t decay_ms = 0;
  std::size_t dirty_bytes = 0;
  std::size_t commit_bytes = kCommitBytes;  // made accessible at a time, at least
};

// A span and where it belongs. Empty where there is none.
template <Os O>
struct SpanRef {
  Region<O>* region = nullptr;
  SpanDescriptor* span = nullptr;
  bool zeroed = false;

  [[nodiscard]] bool is_empty() const noexcept { return span == nullptr; }
  [[nodiscard]] std::byte* start() const noexcept { return region->start_of(*span); }
  [[nodiscard]] std::byte* end() const noexcept { return region->end_of(*span); }
  [[nodiscard]] std::size_t bytes() const noexcept { return span->length.bytes(); }
};

template <Os O>
class SpanHeap {
 public:
  using Ref = SpanRef<O>;

  constexpr explicit SpanHeap(O os) noexcept : os_(os) {}

  [[nodiscard]] bool start(const Key& key, const SpanConfig& config) noexcept {
    key_ = key;
    config_ = config;
    const Guard guard(lock_);
    return add_region(kLeastRegion);
  }
  void stop() noexcept {
    for (std::uint32_t i = 0; i < count_; ++i) regions_[i].release(os_);
    count_ = 0;
    purges_ = 0;
  }
  void set_decay(std::uint64_t decay_ms) noexcept { config_.decay_ms = decay_ms; }
  void set_dirty_bytes(std::size_t bytes) noexcept { config_.dirty_bytes = bytes; }

  [[nodiscard]] Mutex& lock() noexcept TRESTLE_RETURN_CAPABILITY(lock_) { return lock_; }
  [[nodiscard]] O& os() noexcept { return os_; }
  [[nodiscard]] const Key& key() const noexcept { return key_; }

  [[nodiscard]] Region<O>* region_of(const void* at) const noexcept {
    const std::uint32_t count = count_;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (regions_[i].holds(at)) return const_cast<Region<O>*>(&regions_[i]);
    }
    return nullptr;
  }
  [[nodiscard]] Ref find(const void* at) const noexcept {
    Region<O>* const region = region_of(at);
    if (region == nullptr) return {};
    return {region, region->find(at), false};
  }

  // The record of the span that holds the address; null: none. Not vetted, and no more than a few loads. No lock is needed.
  [[nodiscard]] void* record_of(const void* at) const noexcept {
    if (void* const record = first_record_of(at)) [[likely]]
      return record;
    for (std::uint32_t i = 1; i < count_; ++i) {
      if (void* const record = regions_[i].record_of(at)) return record;
    }
    return nullptr;
  }

  // The same, but of the first region alone, where nearly everything lies.
  [[nodiscard]] void* first_record_of(const void* at) const noexcept { return regions_[0].record_of(at); }

  // A span of at least `bytes`. Empty iff memory or address space is short.
  [[nodiscard]] Ref acquire(std::size_t bytes, SpanState state) noexcept;
  void release(const Ref& ref, bool dirty) noexcept {
    const std::uint64_t now = os_.now_ms();
    ref.region->release_span(*ref.span, dirty, now);
    purge_old(now);
  }
  // Gives back what has been dirty for longer than the decay time, and the oldest beyond the budget. Cheap when there is none.
  void purge_old(std::uint64_t now) noexcept;
  // Gives all free pages back but about `keep` bytes. True iff any were.
  bool trim(std::size_t keep) noexcept;

  // An allocation's span waits before it is free: with its contents where it is dirty, else all of it guarded. No more than
  // `most` wait, nor more than `least` where they have more than `bytes`, nor, with their contents, more than a part of the
  // budget.
  struct Waiting {
    std::size_t least;
    std::size_t most;
    std::size_t bytes;
  };
  void retire(const Ref& ref, const Waiting& limit) noexcept;
  // What lies before a large allocation is no longer guarded. False: it still is.
  [[nodiscard]] bool lift_guard_below(Region<O>& region, SpanDescriptor& span) noexcept;
  // Whether no more than half of the address space that was reserved at first has been used so far.
  [[nodiscard]] bool is_roomy() const noexcept { return count_ == 1 && regions_[0].is_half_unused(); }
  // The youngest span that waits with its contents, is about so long and for which fits(ref) is true: in use again, in the
  // state large. Empty iff there is none among the youngest.
  template <class Fits>
  [[nodiscard]] Ref reuse(std::size_t bytes, Fits fits) noexcept;
  // Patient: those that wait with their contents do so however long, unless all are to become free.
  void set_patient(bool patient) noexcept { patient_ = patient; }
  [[nodiscard]] bool is_patient() const noexcept { return patient_; }
  // All that wait become free. True iff any did.
  bool flush_retired() noexcept;
  // Those for which may_go(ref) is true; how many.
  template <class MayGo>
  std::uint64_t sweep_retired(MayGo may_go) noexcept;

  template <class Visit>  // bool visit(Region<O>&), false ends
  bool for_each_region(Visit visit) const noexcept {
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (!visit(const_cast<Region<O>&>(regions_[i]))) return false;
    }
    return true;
  }
  [[nodiscard]] SpanTally counts() const noexcept {
    SpanTally sum;
    for_each_region([&](const Region<O>& region) {
      sum.used_bytes += region.counts().used_bytes;
      sum.free_bytes += region.counts().free_bytes;
      sum.dirty_bytes += region.counts().dirty_bytes;
      sum.retired_bytes += region.counts().retired_bytes;
      sum.retired_spans += region.counts().retired_spans;
      return true;
    });
    return sum;
  }
  [[nodiscard]] std::uint64_t purges() const noexcept { return purges_; }
  void check(FaultSink& sink) const noexcept {
    for_each_region([&](const Region<O>& region) {
      region.check(sink);
      return true;
    });
  }

 private:
  static constexpr std::uint32_t kMaxRegions = 32;
  static constexpr std::size_t kLeastRegion = std::size_t{2} << 20;

  static constexpr std::size_t kKeptPart = 4;  // of the budget of dirty bytes, for spans that wait with their contents

  bool add_region(std::size_t least) noexcept;
  bool lift_guard(Region<O>& region, SpanDescriptor& span) noexcept;
  bool evict_oldest(Region<O>& region, std::uint64_t now, bool purged) noexcept;
  bool evict(Region<O>& region, SpanDescriptor& span, std::uint64_t now, bool purged) noexcept;
  void evict_old(Region<O>& region, std::uint64_t now) noexcept;

  [[no_unique_address]] O os_;
  Key key_;
  SpanConfig config_;
  Mutex lock_;
  Shared<std::uint32_t> count_;
  std::uint64_t purges_ = 0;
  bool patient_ = false;
  std::array<Region<O>, kMaxRegions> regions_{};
};

template <Os O>
bool SpanHeap<O>::add_region(std::size_t least) noexcept {
  if (count_ == kMaxRegions) return false;
  if (!regions_[count_].reserve(os_, key_, std::max(config_.region_bytes, least), least)) return false;
  regions_[count_].set_least_step(Granules::covering(config_.commit_bytes));
  count_ = count_ + 1;
  return true;
}

template <Os O>
auto SpanHeap<O>::acquire(std::size_t bytes, SpanState state) noexcept -> Ref {
  if (bytes > kMaxSpanBytes) return {};
  const Granules length = Granules::covering(bytes);
  for (;;) {
    for (std::uint32_t i = 0; i < count_; ++i) {
      bool zeroed = false;
      if (SpanDescriptor* const span = regions_[i].acquire(os_, length, state, zeroed))
        return {&regions_[i], span, zeroed};
    }
    if (!add_region(length.bytes())) return {};
    // A new region that cannot commit either: memory is what is short, not address space.
    bool zeroed = false;
    Region<O>& added = regions_[count_ - 1];
    if (SpanDescriptor* const span = added.acquire(os_, length, state, zeroed)) return {&added, span, zeroed};
    added.release(os_);
    count_ = count_ - 1;
    return {};
  }
}

template <Os O>
void SpanHeap<O>::purge_old(std::uint64_t now) noexcept {
  for (Region<O>& region : std::span(regions_).first(count_)) {
    evict_old(region, now);
    while (SpanDescriptor* const oldest = region.oldest_dirty()) {
      const bool over_budget = region.counts().dirty_bytes > config_.dirty_bytes;
      if (!over_budget && now - oldest->changed_ms < config_.decay_ms) break;
      if (!region.purge(os_, *oldest, now)) break;
      ++purges_;
    }
  }
}

template <Os O>
void SpanHeap<O>::retire(const Ref& ref, const Waiting& limit) noexcept {
  const std::uint64_t now = os_.now_ms();
  ref.region->push_retired(*ref.span, now);
  const auto are_too_many = [&] {
    const SpanTally all = counts();
    return all.retired_spans > limit.most || (all.retired_spans > limit.least && all.retired_bytes > limit.bytes);
  };
  while (are_too_many() && evict_oldest(*ref.region, now, false)) {
  }
  purge_old(now);
}

template <Os O>
bool SpanHeap<O>::lift_guard_below(Region<O>& region, SpanDescriptor& span) noexcept {
  if (span.is_below_guarded == 0) return true;
  if (!os_.unguard(region.start_of(span), span.payload)) return false;
  span.is_below_guarded = 0;
  region.seal(span);
  return true;
}

// What of a span that waits is guarded no longer is.
template <Os O>
bool SpanHeap<O>::lift_guard(Region<O>& region, SpanDescriptor& span) noexcept {
  if (!span.dirty) return os_.open(region.start_of(span), span.length.bytes());
  if (!lift_guard_below(region, span)) return false;
  if (span.accessible) return true;
  std::byte* const fence = region.start_of(span) + std::size_t{span.fence} * kOsPage;
  return os_.unguard(fence, static_cast<std::size_t>(region.end_of(span) - fence));
}

// Of those that wait in the region, the oldest becomes free, and gives its pages back if asked to. False iff there is none
// or it stays guarded.
template <Os O>
bool SpanHeap<O>::evict_oldest(Region<O>& region, std::uint64_t now, bool purged) noexcept {
  SpanDescriptor* const oldest = region.oldest_retired();
  return oldest != nullptr && evict(region, *oldest, now, purged);
}
template <Os O>
bool SpanHeap<O>::evict(Region<O>& region, SpanDescriptor& span, std::uint64_t now, bool purged) noexcept {
  if (!lift_guard(region, span)) return false;
  region.take_retired(span);
  const bool emptied = span.dirty && purged && os_.purge(region.start_of(span), span.length.bytes());
  purges_ += emptied;
  region.release_span(span, span.dirty && !emptied, now);
  return true;
}

template <Os O>
template <class MayGo>
std::uint64_t SpanHeap<O>::sweep_retired(MayGo may_go) noexcept {
  std::uint64_t swept = 0;
  const std::uint64_t now = os_.now_ms();
  for (Region<O>& region : std::span(regions_).first(count_)) {
    for (SpanDescriptor* span = region.youngest_retired(); span != nullptr;) {
      SpanDescriptor* const next = region.older_retired(*span);
      if (may_go(Ref{&region, span, false}) && evict(region, *span, now, false)) ++swept;
      span = next;
    }
  }
  return swept;
}

// Those that have waited with their contents for longer than the decay time, and the oldest beyond their part of the budget.
template <Os O>
void SpanHeap<O>::evict_old(Region<O>& region, std::uint64_t now) noexcept {
  if (patient_) return;
  while (const SpanDescriptor* const oldest = region.oldest_retired()) {
    const bool over_budget = region.counts().retired_bytes > config_.dirty_bytes / kKeptPart;
    if (!oldest->dirty || (!over_budget && now - oldest->changed_ms < config_.decay_ms)) return;
    if (!evict_oldest(region, now, true)) return;
  }
}

template <Os O>
template <class Fits>
auto SpanHeap<O>::reuse(std::size_t bytes, Fits fits) noexcept -> Ref {
  constexpr int kLooks = 16;
  constexpr std::size_t kSlack = 8;  // a part of it may be more than was asked for
  if (bytes > kMaxSpanBytes / 2) return {};
  const Granules least = Granules::covering(bytes);
  const Granules most = Granules::covering(bytes + bytes / kSlack);
  for (std::uint32_t i = 0; i < count_; ++i) {
    SpanDescriptor* span = regions_[i].youngest_retired();
    for (int looks = 0; span != nullptr && looks < kLooks; ++looks, span = regions_[i].older_retired(*span)) {
      const Ref ref{&regions_[i], span, false};
      if (!span->dirty || span->length < least || span->length > most || !fits(ref)) continue;
      regions_[i].take_retired(*span);
      regions_[i].set_state(*span, SpanState::large);
      return ref;
    }
  }
  return {};
}

template <Os O>
bool SpanHeap<O>::flush_retired() noexcept {
  return sweep_retired([](const Ref&) { return true; }) != 0;
}

template <Os O>
bool SpanHeap<O>::trim(std::size_t keep) noexcept {
  bool any = false;
  const std::uint64_t now = os_.now_ms();
  for (std::uint32_t i = 0; i < count_; ++i) {
    Region<O>& region = regions_[i];
    while (const SpanDescriptor* const oldest = region.oldest_retired()) {
      if (patient_ || !oldest->dirty || region.counts().retired_bytes + region.counts().dirty_bytes <= keep) break;
      if (!evict_oldest(region, now, true)) break;
      any = true;
    }
    while (region.counts().dirty_bytes > keep) {
      SpanDescriptor* const oldest = region.oldest_dirty();
      if (oldest == nullptr || !region.purge(os_, *oldest, now)) break;
      ++purges_;
      any = true;
    }
  }
  return any;
}

}  // namespace trestle
