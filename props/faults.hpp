// What the units share: a check's faults as a vector, and kinds that print as their names.
#pragma once

#include <algorithm>
#include <ostream>
#include <vector>

#include "base/engine.hpp"
#include "ops/edge.hpp"

namespace trestle {

inline void PrintTo(FaultKind kind, std::ostream* out) { *out << traits_of(kind).name; }

// All faults that a full check finds; the first few with their evidence.
template <class E>
[[nodiscard]] std::vector<Fault> faults_of(E& engine, CheckLevel level = CheckLevel::full) {
  std::vector<Fault> room(32);
  FaultSink sink(room.data(), room.size());
  engine.check(level, sink);
  room.resize(std::min(room.size(), sink.count()));
  return room;
}

[[nodiscard]] inline bool has(const std::vector<Fault>& faults, FaultKind kind) {
  return std::any_of(faults.begin(), faults.end(), [&](const Fault& fault) { return fault.kind == kind; });
}
[[nodiscard]] inline bool has(const std::vector<Fault>& faults, FaultKind kind, const void* at) {
  return std::any_of(faults.begin(), faults.end(),
                     [&](const Fault& fault) { return fault.kind == kind && fault.address == at; });
}

template <class E>
[[nodiscard]] std::vector<BlockView> blocks_of(E& engine) {
  std::vector<BlockView> blocks;
  blocks.reserve(1 << 12);
  const auto keep = [](const BlockView& block, void* to) {
    static_cast<std::vector<BlockView>*>(to)->push_back(block);
    return true;
  };
  (void)engine.walk({keep, &blocks});
  return blocks;
}

inline constexpr Release kFromMalloc{};

// Shorthands for what most tests do; a fault or a null is the caller's to look for.
template <class E>
[[nodiscard]] std::byte* take(E& engine, std::size_t size, std::size_t alignment = kMinAlignment,
                              Kind kind = Kind::by_malloc) {
  const Allocation made = ops::allocate_at_edge(engine, size, alignment, kind);
  return made.is_fault() ? nullptr : static_cast<std::byte*>(made.payload);
}
template <class E>
[[nodiscard]] FaultKind give(E& engine, void* payload, const Release& how = kFromMalloc) {
  return ops::deallocate_at_edge(engine, payload, how).kind;
}
template <class E>
[[nodiscard]] std::byte* regrow(E& engine, void* payload, std::size_t size) {
  const Allocation made = engine.reallocate(payload, size);
  return made.is_fault() ? nullptr : static_cast<std::byte*>(made.payload);
}

inline void flip_bit(void* at, unsigned bit) {
  static_cast<unsigned char*>(at)[bit / 8] =
      static_cast<unsigned char>(static_cast<unsigned char*>(at)[bit / 8] ^ (1U << (bit % 8)));
}
inline void flip(std::byte* at) { *at ^= std::byte{0x5A}; }

}  // namespace trestle
