// What the public faces of the heaps in a buffer share: what their calls answer, and the faults and blocks that they show. The
// engine is the record at the buffer's start, which all offsets count from.
#pragma once

#include <trestle/trestle.h>

#include <algorithm>
#include <span>

#include "base/arith.hpp"
#include "base/engine.hpp"
#include "report/report.hpp"

namespace trestle {

template <class E>
[[nodiscard]] std::uint64_t offset_in(const E& engine, const void* at) noexcept {
  return address_of(at) - address_of(&engine);
}

// A kind as the caller knows it. The one that a record keeps is under no seal.
[[nodiscard]] inline trestle_fault_kind public_kind(FaultKind kind) noexcept {
  const bool known = static_cast<int>(kind) < TRESTLE_FAULT_KIND_COUNT;
  return known ? static_cast<trestle_fault_kind>(kind) : TRESTLE_FAULT_NONE;
}

// The payload; null where there is none or a fault was found, whose kind the engine keeps.
template <class E>
void* hand_out(E& engine, const Allocation& made) noexcept {
  engine.set_last_fault(made.kind);
  return made.is_fault() ? nullptr : made.payload;
}
template <class E>
void* allocate_publicly(E& engine, std::size_t size, std::size_t alignment) noexcept {
  if (!is_power_of_two(alignment)) return nullptr;
  return hand_out(engine, engine.allocate(size, std::max(alignment, kMinAlignment), Kind::by_malloc));
}

// How many faults a full check finds; the first ones fill `room`.
template <class E>
std::size_t check_publicly(const E& engine, std::span<trestle_fault> room) noexcept {
  struct Out {
    const E& engine;
    std::span<trestle_fault> room;
  } out{engine, room};
  const auto put = [](const Fault& fault, std::size_t index, void* to) {
    const Out& where = *static_cast<const Out*>(to);
    if (index < where.room.size()) where.room[index] = publish(fault, offset_in(where.engine, fault.address));
  };
  FaultSink sink(put, &out);
  engine.check(CheckLevel::full, sink);
  return sink.count();
}

// Calls the visitor for each block, until one call does not return 0; returns what the last one did.
template <class E>
int walk_publicly(const E& engine, trestle_visitor visitor, void* context) noexcept {
  struct Walk {
    const E& engine;
    trestle_visitor visitor;
    void* context;
    int last = 0;
  } walk{engine, visitor, context};
  const auto visit = [](const BlockView& view, void* to) {
    auto& out = *static_cast<Walk*>(to);
    const trestle_block block{const_cast<std::byte*>(view.payload),
                              offset_in(out.engine, view.payload),
                              view.requested,
                              view.served,
                              static_cast<trestle_block_state>(view.state),
                              static_cast<trestle_block_kind>(view.kind)};
    out.last = out.visitor(&block, out.context);
    return out.last == 0;
  };
  (void)engine.walk({visit, &walk});
  return walk.last;
}

}  // namespace trestle
