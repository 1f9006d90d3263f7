// Writing a chunk in place: each record becomes part of it by one store, so that whoever reads the memory at any moment, or
// after the process was killed, finds whole records and their sum. Allocates nothing; one thread at a time.
//   The word that is not full yet is kept beside the chunk, and stored into it when a record is published: nothing is read
//   back from the chunk, and most records cost one addition to the sum.
#pragma once

#include <atomic>
#include <cstring>

#include "trace/format.hpp"

namespace trestle::trace {

// The bytes of one chunk. They are zero when it begins, and lie at a multiple of 8.
class ChunkWriter {
 public:
  void begin(unsigned char* chunk, std::uint32_t bytes, ChunkKind kind, std::uint32_t thread, std::uint64_t offset,
             std::uint64_t after) noexcept {
    chunk_ = chunk;
    bytes_ = bytes;
    at_ = 0;
    last_ = 0;
    sum_ = {};
    append(std::uint64_t{static_cast<std::uint32_t>(kind)} << 32 | kChunkMagic, kWord);
    append(std::uint64_t{thread} << 32 | bytes, kWord);
    append(offset, kWord);
    append(after, kWord);
    at_ += kWord;  // the state
    publish();
  }

  // Whether so many bytes fit, and the word behind them.
  [[nodiscard]] bool has_room(std::uint32_t bytes) const noexcept { return bytes_ - at_ >= bytes + kWord; }
  [[nodiscard]] unsigned char* chunk() const noexcept { return chunk_; }
  [[nodiscard]] std::uint32_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint32_t used() const noexcept { return at_; }

  // Puts so many bytes, at most 8, the lowest first; those above them are zeros.
  void append(std::uint64_t bits, std::uint32_t bytes) noexcept {
    const std::uint32_t before = at_ % kWord;
    const std::uint64_t word = last_ | bits << before * 8;
    store(at_ - before, word);
    at_ += bytes;
    last_ = word;
    if (before + bytes < kWord) return;
    sum_.add(word);
    last_ = bits >> 1 >> (63 - before * 8);
  }
  void put_byte(unsigned char byte) noexcept { append(byte, 1); }
  void put_number(std::uint64_t number) noexcept {
    const std::uint32_t bytes = bytes_of(number);
    if (bytes < kLongestNumber) return append(encoded(number, bytes), bytes);
    put_byte(0);
    append(number, kWord);
  }

  // What was put becomes part of the chunk.
  void publish() noexcept {
    store(at_ / kWord * kWord, last_);
    store_state(at_, sum_, last_);
  }

  // append() and publish() at once: what they do, without going through memory in between.
  void append_record(std::uint64_t bits, std::uint32_t bytes) noexcept {
    const std::uint32_t before = at_ % kWord;
    const std::uint32_t at = at_ + bytes;
    std::uint64_t word = last_ | bits << before * 8;
    Sum sum = sum_;
    store(at_ - before, word);
    if (before + bytes >= kWord) {
      sum.add(word);
      sum_ = sum;
      word = bits >> 1 >> (63 - before * 8);
      store(at / kWord * kWord, word);
    }
    last_ = word;
    at_ = at;
    store_state(at, sum, word);
  }

 private:
  void store(std::uint32_t at, std::uint64_t word) const noexcept { std::memcpy(chunk_ + at, &word, kWord); }
  void store_state(std::uint32_t at, Sum sum, std::uint64_t last) const noexcept {
    sum.add(last);
    auto* const state = reinterpret_cast<std::uint64_t*>(chunk_ + offsetof(ChunkHeader, state));
    std::atomic_ref<std::uint64_t>(*state).store(std::uint64_t{sum.with(at)} << 32 | at, std::memory_order_release);
  }

  unsigned char* chunk_ = nullptr;
  std::uint64_t last_ = 0;  // the word in which byte `at_` will be, as far as it is there
  std::uint32_t bytes_ = 0;
  std::uint32_t at_ = 0;
  Sum sum_;  // of the words before it
};

// The bytes of a record, as long as they fit a word.
class ShortRecord {
 public:
  void put_byte(unsigned char byte) noexcept { append(byte, 1); }
  void put_number(std::uint64_t number) noexcept {
    const std::uint32_t bytes = bytes_of(number);
    append(encoded(number, bytes), bytes);
  }
  [[nodiscard]] bool fits() const noexcept { return bytes_ <= kWord; }
  [[nodiscard]] std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] std::uint32_t bytes() const noexcept { return bytes_; }

 private:
  void append(std::uint64_t bits, std::uint32_t bytes) noexcept {
    bits_ |= bits << bytes_ * 8 % 64;
    bytes_ += bytes;
  }

  std::uint64_t bits_ = 0;  // of a longer record, nonsense
  std::uint32_t bytes_ = 0;
};

// The calls of one thread, chunk by chunk.
class Encoder {
 public:
  static constexpr std::uint32_t kLongestRecord = 1 + 7 * kLongestNumber;

  [[nodiscard]] bool has_room() const noexcept { return chunk_.has_room(kLongestRecord); }
  [[nodiscard]] const ChunkWriter& chunk() const noexcept { return chunk_; }
  // Of the last event; none that comes has a number up to this.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

  // The thread has events before, or others have.
  void resume(std::uint64_t number) noexcept { number_ = number; }

  // A chunk of calls that has no records and is behind number().
  void begin(const ChunkWriter& begun) noexcept {
    chunk_ = begun;
    address_ = 0;
    sites_.fill(0);
  }

  // The numbers are above those of the record before. False, and nothing happened: the record is longer than a word, its site
  // is new to this chunk, or there is no room.
  [[nodiscard, gnu::always_inline]] bool put_short(const Record& record) noexcept {
    const std::size_t place = place_of_site(record.site);
    if (sites_[place] != record.site || !has_room()) return false;
    ShortRecord bytes;
    put_fields(bytes, record, place, true);
    if (!bytes.fits()) return false;
    chunk_.append_record(bytes.bits(), bytes.bytes());
    go_behind(record);
    return true;
  }

  // There is room, and the numbers are above those of the record before. Whether the site is new to this chunk.
  bool put(const Record& record) noexcept {
    const std::size_t place = place_of_site(record.site);
    const bool known = sites_[place] == record.site;
    put_fields(chunk_, record, place, known);
    chunk_.publish();
    sites_[place] = record.site;
    go_behind(record);
    return !known;
  }

 private:
  void go_behind(const Record& record) noexcept {
    const CallShape& shape = shape_of(record.call);
    if (shape.after || shape.before) address_ = turned(shape.after ? record.after : record.before);
    number_ = record.end;
  }

  // Where the call is known when this is compiled, so is which fields there are.
  template <class To>
  [[gnu::always_inline]] void put_fields(To& to, const Record& record, std::size_t place, bool known) const noexcept {
    const CallShape& shape = shape_of(record.call);
    const bool next = record.begin == number_ + 1;
    to.put_byte(static_cast<unsigned char>(static_cast<unsigned>(record.call) | (next ? kNextNumber : 0U) |
                                           (known ? kKnownSite : 0U)));
    if (!next) to.put_number(record.begin - number_ - 1);
    if (shape.two_events()) to.put_number(record.end - record.begin - 1);
    if (shape.size) to.put_number(record.size);
    if (shape.alignment) to.put_number(record.alignment);
    if (shape.before) to.put_number(zigzag(turned(record.before) - address_));
    if (shape.after) to.put_number(zigzag(turned(record.after) - (shape.before ? turned(record.before) : address_)));
    if (known) {
      to.put_byte(static_cast<unsigned char>(place));
    } else {
      to.put_number(record.site);
    }
  }

  ChunkWriter chunk_;
  std::uint64_t number_ = 0;
  std::uint64_t address_ = 0;
  std::array<std::uint64_t, kSites> sites_{};
};

}  // namespace trestle::trace
