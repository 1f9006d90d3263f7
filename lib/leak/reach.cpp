#include "leak/reach.hpp"

#include <algorithm>
#include <new>

#include "base/arith.hpp"
#include "base/sanitize.hpp"

namespace trestle {
namespace {

constexpr std::size_t kPiece = 16 * kOsPage;  // that is copied at once

}  // namespace

bool Reach::make_room(std::size_t blocks) noexcept {
  release();
  if (blocks > UINT32_MAX) return false;
  const std::size_t bytes = kPiece + align_up(blocks * (sizeof(Block) + sizeof(std::uint32_t)), kOsPage);
  std::byte* const made = os_.reserve(bytes, kOsPage);
  if (made == nullptr) return false;
  memory_ = made;
  memory_bytes_ = bytes;
  if (!os_.commit(made, bytes)) return false;
  copy_ = made;
  blocks_ = reinterpret_cast<Block*>(made + kPiece);
  pending_ = reinterpret_cast<std::uint32_t*>(made + kPiece + blocks * sizeof(Block));
  room_ = blocks;
  return true;
}

void Reach::release() noexcept {
  if (memory_ != nullptr) os_.release(memory_, memory_bytes_);
  memory_ = nullptr;
  blocks_ = nullptr;
  room_ = count_ = pending_count_ = bytes_read_ = 0;
}

void Reach::add(const void* at, std::size_t bytes, bool is_followed) noexcept {
  if (count_ == room_) return;
  new (&blocks_[count_++]) Block{static_cast<const std::byte*>(at), bytes, State::unreached, is_followed};
}

void Reach::begin() noexcept {
  std::sort(blocks_, blocks_ + count_, [](const Block& a, const Block& b) { return a.at < b.at; });
  if (count_ != 0) end_ = address_of(blocks_[count_ - 1].at) + blocks_[count_ - 1].bytes;
}

const Reach::Block* Reach::find(const void* at) const noexcept {
  const auto* const wanted = static_cast<const std::byte*>(at);
  const Block* const next =
      std::upper_bound(blocks_, blocks_ + count_, wanted, [](const std::byte* a, const Block& b) { return a < b.at; });
  if (next == blocks_) return nullptr;
  const Block* const found = next - 1;
  return static_cast<std::size_t>(wanted - found->at) <= found->bytes ? found : nullptr;
}

void Reach::reach(std::uintptr_t word) noexcept {
  if (count_ == 0 || word < address_of(blocks_[0].at) || word > end_) return;
  const Block* const found = find(reinterpret_cast<const void*>(word));
  if (found != nullptr) touch(blocks_[found - blocks_]);
}

// A leader that another leads to is none.
void Reach::touch(Block& block) noexcept {
  if (&block == leading_ || (block.state != State::unreached && block.state != State::leader)) return;
  block.state = becoming_;
  pending_[pending_count_++] = static_cast<std::uint32_t>(&block - blocks_);
  leader_.followers += 1;
  leader_.follower_bytes += block.bytes;
}

TRESTLE_READS_BESIDE_OWNERS void Reach::scan(const std::byte* from, const std::byte* to) noexcept {
  bytes_read_ += static_cast<std::size_t>(to - from);
  for (const std::byte* at = from; at + sizeof(std::uintptr_t) <= to; at += sizeof(std::uintptr_t)) {
    std::uintptr_t word = 0;
    __builtin_memcpy(&word, at, sizeof word);
    reach(word);
  }
}

// By pieces within pages: where one cannot be read the next may.
void Reach::copy_and_scan(const std::byte* from, const std::byte* to) noexcept {
  while (from < to) {
    std::size_t bytes = std::min(kPiece - address_of(from) % kOsPage, static_cast<std::size_t>(to - from));
    bool read = os::read_own_memory(from, copy_, bytes);
    if (!read && bytes > kOsPage) {
      bytes = kOsPage - address_of(from) % kOsPage;
      read = os::read_own_memory(from, copy_, bytes);
    }
    if (read) scan(copy_, copy_ + bytes);
    from += bytes;
  }
}

// Of blocks that begin inside a page and end in it or the next none can be closed to readers alone.
void Reach::read(const Block& block) noexcept {
  if (!block.is_followed) return;
  if (block.bytes < kOsPage && address_of(block.at) % kOsPage != 0)
    scan(block.at, block.at + block.bytes);
  else
    copy_and_scan(block.at, block.at + block.bytes);
}

// What the blocks that were touched lead to.
void Reach::follow() noexcept {
  while (pending_count_ != 0) read(blocks_[pending_[--pending_count_]]);
}

void Reach::mark_from(const std::byte* from, const std::byte* to) noexcept {
  const auto* const first = reinterpret_cast<const std::byte*>(align_up(address_of(from), sizeof(std::uintptr_t)));
  if (first >= to) return;
  copy_and_scan(first, to);
  follow();
}
void Reach::mark_from_word(std::uintptr_t word) noexcept {
  reach(word);
  follow();
}
void Reach::mark_followed() noexcept {
  for (Block& block : std::span(blocks_, count_)) {
    if (!block.is_followed) continue;
    touch(block);
    follow();
  }
}

std::size_t Reach::unreached() const noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < count_; ++i) count += blocks_[i].state == State::unreached ? 1 : 0;
  return count;
}

void Reach::lead(Block& block) noexcept {
  block.state = State::leader;
  leading_ = &block;
  leader_ = {block.at, block.bytes, 0, 0};
  read(block);
  follow();
}

// Whoever is met first leads all that it leads to, so that none leads to one that was met later. It may be the other way round,
// by way of a block that the earlier one has; therefore they are gone through once more, the last one first.
void Reach::for_each_leader(void (*visit)(const Leader& leader, void* context), void* context) noexcept {
  const std::span<Block> blocks(blocks_, count_);
  becoming_ = State::follower;
  for (Block& block : blocks)
    if (block.state == State::unreached) lead(block);
  for (Block& block : blocks)
    if (block.state == State::follower) block.state = State::unreached;
  for (std::size_t i = count_; i-- > 0;) {
    if (blocks[i].state != State::leader) continue;
    lead(blocks[i]);
    visit(leader_, context);
  }
  becoming_ = State::reached;
  leading_ = nullptr;
}

}  // namespace trestle
