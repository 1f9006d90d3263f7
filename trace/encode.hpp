// Writing a chunk in place: each record becomes part of it by one store, so that whoever reads the memory at any moment, or
// after the process was killed, finds whole records and their sum. Allocates nothing; one thread at a time.
#pragma once

#include <atomic>
#include <cstring>

#include "trace/format.hpp"

namespace trestle::trace {

// The bytes of one chunk. They are zero when it begins, and lie at a multiple of 8.
class ChunkWriter {
 public:
  void begin(unsigned char* chunk, std::uint32_t bytes, ChunkKind kind, std::uint32_t thread,
             std::uint64_t after) noexcept {
    chunk_ = chunk;
    bytes_ = bytes;
    const ChunkHeader header{kChunkMagic, static_cast<std::uint32_t>(kind), bytes, thread, after, 0};
    std::memcpy(chunk, &header, kSummedHeader);
    at_ = summed_ = sizeof header;
    sum_ = kEmptySum;
    for (std::uint32_t i = 0; i < kSummedHeader; ++i) sum_ = add_to_sum(sum_, chunk[i]);
    publish();
  }

  [[nodiscard]] bool has_room(std::uint32_t bytes) const noexcept { return bytes_ - at_ >= bytes; }
  [[nodiscard]] unsigned char* chunk() const noexcept { return chunk_; }
  [[nodiscard]] std::uint32_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint32_t used() const noexcept { return at_; }

  void put_byte(unsigned char byte) noexcept { chunk_[at_++] = byte; }
  // Seven bits a byte, the lowest first; the top bit says that more follow.
  void put_number(std::uint64_t number) noexcept {
    for (; number >= 0x80; number >>= 7) put_byte(static_cast<unsigned char>(number | 0x80));
    put_byte(static_cast<unsigned char>(number));
  }

  // What was put becomes part of the chunk.
  void publish() noexcept {
    for (; summed_ < at_; ++summed_) sum_ = add_to_sum(sum_, chunk_[summed_]);
    auto* const state = reinterpret_cast<std::uint64_t*>(chunk_ + kSummedHeader);
    std::atomic_ref<std::uint64_t>(*state).store(std::uint64_t{sum_} << 32 | at_, std::memory_order_release);
  }

 private:
  unsigned char* chunk_ = nullptr;
  std::uint32_t bytes_ = 0;
  std::uint32_t at_ = 0;
  std::uint32_t summed_ = 0;
  std::uint32_t sum_ = 0;
};

// The calls of one thread, chunk by chunk.
class Encoder {
 public:
  static constexpr std::uint32_t kLongestRecord = 1 + 8 * 10;

  [[nodiscard]] bool has_room() const noexcept { return chunk_.has_room(kLongestRecord); }
  [[nodiscard]] const ChunkWriter& chunk() const noexcept { return chunk_; }

  // The thread has events before: none that it puts has a number up to this.
  void resume(std::uint64_t number) noexcept { number_ = number; }

  void begin(unsigned char* chunk, std::uint32_t bytes, std::uint32_t thread) noexcept {
    chunk_.begin(chunk, bytes, ChunkKind::calls, thread, number_);
    address_ = 0;
    sites_.fill(0);
  }

  // There is room, and the numbers are above those of the record before. Whether the site is new to this chunk.
  [[gnu::always_inline]] bool put(const Record& record) noexcept {
    const CallShape& shape = shape_of(record.call);
    const bool next = record.begin == number_ + 1;
    std::uint64_t& place = sites_[place_of_site(record.site)];
    const bool known = place == record.site;
    chunk_.put_byte(static_cast<unsigned char>(static_cast<unsigned>(record.call) | (next ? kNextNumber : 0U) |
                                               (known ? kKnownSite : 0U)));
    if (!next) chunk_.put_number(record.begin - number_ - 1);
    if (shape.two_events()) chunk_.put_number(record.end - record.begin - 1);
    if (shape.size) chunk_.put_number(record.size);
    if (shape.alignment) chunk_.put_number(record.alignment);
    if (shape.before) put_address(record.before);
    if (shape.after) put_address(record.after);
    if (known) {
      chunk_.put_byte(static_cast<unsigned char>(place_of_site(record.site)));
    } else {
      chunk_.put_number(record.site);
      place = record.site;
    }
    number_ = record.end;
    chunk_.publish();
    return !known;
  }

 private:
  void put_address(std::uint64_t address) noexcept {
    const std::uint64_t now = turned(address);
    chunk_.put_number(zigzag(now - address_));
    address_ = now;
  }

  ChunkWriter chunk_;
  std::uint64_t number_ = 0;
  std::uint64_t address_ = 0;
  std::array<std::uint64_t, kSites> sites_{};
};

}  // namespace trestle::trace
