// The canary of a slot, exact to the byte of the request. There is no header that could hold the request's size, so the
// slot's last byte tells how long the pad is, and the canary's word depends on that as well as on key and place: bytes that
// end as some other pad would do not fit its word. Codes have an odd number of bits, so that none is a bit away from another:
// a pad of one byte has no word, and whatever it takes the place of would pass for it.
//
//   | payload, requested | word, repeated ... | code |        pad: 1 byte to the whole slot; the code is never 0
//
// A pad of more than 126 bytes keeps its length in the two bytes before the code.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/canary.hpp"
#include "base/keyed.hpp"
#include "slab/size_class.hpp"

namespace trestle {

// Of a slot's last 16 bytes, by the length of the pad in them: which are the canary's word and which are not the pad's. One
// row for each length, and one for a pad that keeps its length in two of them.
struct SlotTails {
  static constexpr std::size_t kRows = kSlotStep + 2;
  Lane16 words[kRows];   // NOLINT(modernize-avoid-c-arrays): vectors are no type of a template
  Lane16 before[kRows];  // NOLINT(modernize-avoid-c-arrays)
};
[[nodiscard]] consteval SlotTails make_slot_tails() {
  SlotTails tails{};
  for (std::size_t row = 0; row < SlotTails::kRows; ++row) {
    const std::size_t pad = std::min(row, kSlotStep);
    const std::size_t telling = row > kSlotStep ? 3 : 1;
    std::uint64_t words[2] = {0, 0};
    std::uint64_t before[2] = {0, 0};
    for (std::size_t i = 0; i < kSlotStep; ++i) {
      const std::uint64_t byte = std::uint64_t{0xFF} << (i % 8 * 8);
      if (i < kSlotStep - pad)
        before[i / 8] |= byte;
      else if (i < kSlotStep - telling)
        words[i / 8] |= byte;
    }
    tails.words[row] = Lane16{words[0], words[1]};
    tails.before[row] = Lane16{before[0], before[1]};
  }
  return tails;
}

class SlotCanary {
 public:
  // Of the slot of so many bytes that starts there, which is its place; or which has another, so that it may be moved.
  SlotCanary(const Key& key, std::byte* slot, std::size_t bytes) noexcept
      : SlotCanary(key, slot, bytes, address_of(slot)) {}
  SlotCanary(const Key& key, std::byte* slot, std::size_t bytes, std::uint64_t place) noexcept
      : slot_(slot), bytes_(bytes), mixed_(fold(place ^ key.low, key.high ^ kOdd1)) {}

  // requested < bytes. Changes the pad and nothing else.
  void write(std::size_t requested) const noexcept {
    const std::size_t pad = bytes_ - requested;
    store(load_lane_beside_owner(tail()), requested, pad);
  }
  // The same for a slot that has no owner yet: what precedes the pad in its last 16 bytes becomes `filler`.
  void write_fresh(std::size_t requested, std::uint8_t filler) const noexcept {
    const std::size_t pad = bytes_ - requested;
    store(Lane16{repeated(filler), repeated(filler)}, requested, pad);
  }

  // What the last byte says the request was; kNone where it says nothing that could be.
  [[nodiscard]] std::size_t requested() const noexcept {
    const std::uint8_t code = load_byte_beside_owner(slot_ + bytes_ - 1);
    if (__builtin_parity(code) == 0) [[unlikely]]
      return kNone;
    std::size_t pad = length_from(code);
    if (pad >= kLong) [[unlikely]] {
      if (bytes_ < kLong) return kNone;
      pad = get_length();
      if (pad < kLong) return kNone;
    }
    return pad - 1 < bytes_ ? bytes_ - pad : kNone;
  }

  // Whether the pad is as written, and the request's size, as its last byte tells.
  [[nodiscard]] bool is_whole(std::size_t& requested) const noexcept {
    assert_readable(slot_ + bytes_ - 1, 1);
    requested = this->requested();
    return requested != kNone && is_as_written(requested);
  }
  // The same of as much of the pad as lies in the slot's last 16 bytes.
  [[nodiscard]] bool is_end_whole() const noexcept {
    assert_readable(slot_ + bytes_ - 1, 1);
    const std::size_t requested = this->requested();
    return requested != kNone && is_end_as_written(words_for(bytes_ - requested), bytes_ - requested);
  }
  // The first pad byte that is not as written; null where the canary is whole. `requested` is then the request's size, and
  // otherwise what it seems to have been; kNone: nothing of the pad is left to tell.
  [[nodiscard]] const std::byte* broken(std::size_t& requested) const noexcept {
    if (is_whole(requested)) [[likely]]
      return nullptr;
    return diagnose(requested);
  }

  // The request, as far as enough of the pad is there to prove where it begins; else kNone.
  [[nodiscard]] std::size_t proven() const noexcept {
    std::size_t requested = 0;
    if (broken(requested) == nullptr || requested == kNone) return requested;
    const auto begins_whole = static_cast<std::size_t>(first_broken(requested) - (slot_ + requested));
    return std::max(begins_whole, whole_at_end(requested)) >= kTelling ? requested : kNone;
  }
  // Writes what is not as it should be, and nothing else, so that the owner may be writing before the pad.
  void mend(std::size_t requested) const noexcept {
    for (std::byte* at = slot_ + requested; at != slot_ + bytes_; ++at) {
      const auto wanted = static_cast<std::byte>(expected_at(at, requested));
      if (*at != wanted) *at = wanted;
    }
  }

  // What a byte of the pad is where it is whole, `at` being an address in it.
  [[nodiscard]] std::uint8_t expected_at(const std::byte* at, std::size_t requested) const noexcept {
    const std::size_t pad = bytes_ - requested;
    const auto index = static_cast<std::size_t>(at - slot_);
    if (index + 1 == bytes_) return code_for(std::min(pad, kLong));
    if (index < end_of(pad)) return canary_byte(word_for(pad), index);
    const auto stored = static_cast<std::uint16_t>(pad ^ mask());
    return static_cast<std::uint8_t>(index + 2 == bytes_ ? stored >> 8 : stored);
  }

  static constexpr std::size_t kNone = SIZE_MAX;

 private:
  static constexpr std::size_t kLengths = 128;     // that a code can tell
  static constexpr std::size_t kLong = 127;        // stands for a pad whose length does not fit the code
  static constexpr std::size_t kTail = kSlotStep;  // a pad of so many bytes lies in the slot's last two words
  static constexpr SlotTails kTails = make_slot_tails();
  [[nodiscard]] static constexpr std::size_t row_of(std::size_t pad) noexcept {
    if (pad <= kTail) return pad;
    return pad < kLong ? kTail : kTail + 1;
  }
  static constexpr std::size_t kTelling = 3;  // so many whole bytes of a canary are no accident
  [[nodiscard]] std::byte* tail() const noexcept { return slot_ + bytes_ - kTail; }

  [[nodiscard]] std::uint64_t word_for(std::size_t pad) const noexcept { return without_zeros((mixed_ + pad) * kOdd2); }
  [[nodiscard]] std::uint64_t word_of(std::size_t requested) const noexcept { return word_for(bytes_ - requested); }
  // Where the word's repetitions end and what tells the pad's length begins.
  [[nodiscard]] std::size_t end_of(std::size_t pad) const noexcept {
    return bytes_ - (pad >= kLong ? 1 + sizeof(std::uint16_t) : 1);
  }

  // The word, twice, as the slot's last 16 bytes have it.
  [[nodiscard]] Lane16 words_for(std::size_t pad) const noexcept {
    using Bytes16 = std::uint8_t __attribute__((vector_size(kStep16)));
    const std::uint64_t raw = (mixed_ + pad) * kOdd2;
    const auto bytes = reinterpret_cast<Bytes16>(Lane16{raw, raw});
    return reinterpret_cast<Lane16>(bytes | (reinterpret_cast<Bytes16>(bytes == 0) & kForZero));
  }
  // Of a longer pad the beginning; then the slot's last 16 bytes, and of a shorter one what is before it there.
  void store(Lane16 before, std::size_t requested, std::size_t pad) const noexcept {
    const Lane16 words = words_for(pad);
    const std::size_t row = row_of(pad);
    const Lane16 told = {0, telling(pad)};
    const Lane16 ending = (words & kTails.words[row]) | (before & kTails.before[row]) | told;
    if (pad > kTail) write_canary_steps(slot_, requested, bytes_ - kTail, words[0]);
    store_lane(tail(), ending);
  }
  // Whether the pad is as it was written for that request, whose size the last byte tells. A short one without a branch on
  // its length, which nobody could predict.
  [[nodiscard]] bool is_as_written(std::size_t requested) const noexcept {
    const std::size_t pad = bytes_ - requested;
    assert_readable(slot_ + requested, pad);
    const Lane16 words = words_for(pad);
    if (!is_end_as_written(words, pad)) [[unlikely]]
      return false;
    return pad <= kTail || are_canary_steps(slot_, requested, bytes_ - kTail, words[0]);
  }
  [[nodiscard]] bool is_end_as_written(Lane16 words, std::size_t pad) const noexcept {
    const Lane16 differences = (load_lane_beside_owner(tail()) ^ words) & kTails.words[row_of(pad)];
    return (differences[0] | differences[1]) == 0;
  }

  // Off the hot path. The last byte may be what was overwritten: then some other pad still begins whole.
  [[gnu::noinline]] const std::byte* diagnose(std::size_t& requested) const noexcept {
    const std::size_t told = requested;
    const std::size_t told_whole = told == kNone ? 0 : whole_at_end(told);
    std::size_t longest = std::max(told_whole, kTelling - 1);
    for (std::size_t guess = 0; guess + 1 < bytes_; ++guess) {
      const auto begins_whole = static_cast<std::size_t>(first_broken(guess) - (slot_ + guess));
      if (begins_whole <= longest) continue;
      longest = begins_whole;
      requested = guess;
    }
    // A byte that tells of a long pad, of which nothing is there, is the one that was overwritten.
    if (requested == told && longest < kTelling && told_whole == 0 && bytes_ - told > kSlotStep) requested = kNone;
    return requested == kNone ? slot_ + bytes_ - 1 : first_broken(requested);
  }
  // The first byte of the pad that is not as it would be for that request; the slot's end: none is.
  [[nodiscard]] const std::byte* first_broken(std::size_t requested) const noexcept {
    const std::size_t end = end_of(bytes_ - requested);
    const std::byte* const wrong = broken_canary(slot_, requested, end, word_of(requested));
    if (wrong != nullptr) return wrong;
    const std::byte* at = slot_ + end;
    while (at != slot_ + bytes_ && std::to_integer<std::uint8_t>(*at) == expected_at(at, requested)) ++at;
    return at;
  }
  // How many of the word's bytes are whole, from the right up to the first that is not.
  [[nodiscard]] std::size_t whole_at_end(std::size_t requested) const noexcept {
    const std::uint64_t word = word_of(requested);
    const std::size_t end = end_of(bytes_ - requested);
    std::size_t i = end;
    while (i > requested && std::to_integer<std::uint8_t>(slot_[i - 1]) == canary_byte(word, i - 1)) --i;
    return end - i;
  }

  // A pad of n bytes, 1 to 127, is n + k modulo 128, k from the key and the place; its code is that and a bit that makes their
  // sum odd. Not n ^ k: what changes the code of one length into that of another would be the same under every key.
  [[nodiscard]] std::uint64_t shift() const noexcept { return mixed_ >> 57; }
  [[nodiscard]] std::uint8_t code_for(std::size_t pad) const noexcept {
    const auto i = static_cast<unsigned>((pad + shift()) % kLengths);
    return static_cast<std::uint8_t>(i << 1 | (1U ^ static_cast<unsigned>(__builtin_parity(i))));
  }
  [[nodiscard]] std::size_t length_from(std::uint8_t code) const noexcept { return ((code >> 1) - shift()) % kLengths; }

  // What the slot's last word ends in: the code, and a long pad's length before that.
  [[nodiscard]] std::uint64_t telling(std::size_t pad) const noexcept {
    if (pad < kLong) [[likely]]
      return std::uint64_t{code_for(pad)} << 56;
    return std::uint64_t{code_for(kLong)} << 56 | std::uint64_t{static_cast<std::uint16_t>(pad ^ mask())} << 40;
  }

  // The length of a long pad, under a mask of its own.
  [[nodiscard]] std::uint16_t mask() const noexcept { return static_cast<std::uint16_t>(mixed_ >> 40); }
  [[nodiscard]] std::size_t get_length() const noexcept {
    const auto stored = static_cast<std::uint16_t>(load_beside_owner(slot_ + bytes_ - sizeof(std::uint64_t)) >> 40);
    return stored ^ std::size_t{mask()};
  }

  std::byte* slot_;
  std::size_t bytes_;
  std::uint64_t mixed_;
};

}  // namespace trestle
