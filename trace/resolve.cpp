#include "trace/resolve.hpp"

#include <algorithm>

namespace trestle::trace {

bool Resolver::next(Op& op) {
  Event event;
  while (reader_.next(event)) {
    const Record& record = event.record;
    if (!event.is_over) {
      pending_[event.thread] = record.before == 0 ? kNoSlot : taken_from(record.before);
      continue;
    }
    op = {.index = calls_++,
          .effect = Effect::fail,
          .call = record.call,
          .thread = event.thread,
          .size = record.size,
          .alignment = record.alignment,
          .site = record.site};
    const CallShape& shape = shape_of(record.call);
    if (shape.two_events() && record.before != 0) {
      resize(record, op);
    } else if (shape.after) {
      begin(record, op);
    } else {
      end(record, op);
    }
    return true;
  }
  return false;
}

void Resolver::begin(const Record& record, Op& op) {
  if (record.after == 0) return;
  op.effect = slot_at_.contains(record.after) ? Effect::twice : Effect::begin;
  if (op.effect == Effect::twice) return;
  op.slot = take_slot(op.thread);
  slot_at_[record.after] = op.slot;
  set_size(op.slot, record.size);
}

void Resolver::end(const Record& record, Op& op) {
  op.slot = taken_from(record.before);
  op.effect = op.slot == kNoSlot ? Effect::stray : Effect::end;
  if (op.effect == Effect::end) {
    op.old_size = blocks_[op.slot].size;
    release(op.slot);
  }
}

// A request of no bytes may end the block and return null; any other that returns null has changed nothing.
void Resolver::resize(const Record& record, Op& op) {
  op.slot = pending_[op.thread];
  op.effect = Effect::stray;
  if (op.slot == kNoSlot) return;
  op.old_size = blocks_[op.slot].size;
  if (record.after == 0 && record.size == 0) {
    op.effect = Effect::end;
    return release(op.slot);
  }
  const std::uint64_t address = record.after != 0 ? record.after : record.before;
  op.effect = record.after == 0 ? Effect::fail : Effect::resize;
  if (!slot_at_.try_emplace(address, op.slot).second) {
    op.effect = Effect::twice;
    return release(op.slot);
  }
  if (op.effect == Effect::resize) set_size(op.slot, record.size);
}

std::uint32_t Resolver::taken_from(std::uint64_t address) {
  const auto found = slot_at_.find(address);
  if (found == slot_at_.end()) return kNoSlot;
  const std::uint32_t slot = found->second;
  slot_at_.erase(found);
  return slot;
}

std::uint32_t Resolver::take_slot(std::uint32_t thread) {
  std::vector<std::uint32_t>& own = free_[thread];
  if (own.empty()) {
    blocks_.push_back({0, thread});
    return static_cast<std::uint32_t>(blocks_.size() - 1);
  }
  const std::uint32_t slot = own.back();
  own.pop_back();
  return slot;
}

void Resolver::release(std::uint32_t slot) {
  set_size(slot, 0);
  free_[blocks_[slot].home].push_back(slot);
}

void Resolver::set_size(std::uint32_t slot, std::uint64_t size) {
  live_bytes_ += size - blocks_[slot].size;
  blocks_[slot].size = size;
  peak_bytes_ = std::max(peak_bytes_, live_bytes_);
}

}  // namespace trestle::trace
