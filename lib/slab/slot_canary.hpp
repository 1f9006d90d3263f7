// The canary of a slot, exact to the byte of the request. There is no header that could hold the request's size, so the
// slot's last byte tells how long the pad is, and the canary's word depends on that as well as on key and place: bytes that
// end as some other pad would do not fit its word. Codes have an even number of bits, so that none is a bit away from another:
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

class SlotCanary {
 public:
  // Of the slot of so many bytes that starts there.
  SlotCanary(const Key& key, std::byte* slot, std::size_t bytes) noexcept
      : slot_(slot), bytes_(bytes), mixed_(fold(address_of(slot) ^ key.low, key.high ^ kOdd1)) {}

  // requested < bytes. Writes the pad and nothing else.
  void write(std::size_t requested) const noexcept {
    const std::size_t pad = bytes_ - requested;
    write_canary_to_end(slot_, requested, bytes_, word_for(pad));
    if (pad >= kLong) [[unlikely]] {
      put_length(pad);
      slot_[bytes_ - 1] = static_cast<std::byte>(code_for(kLong));
    } else {
      slot_[bytes_ - 1] = static_cast<std::byte>(code_for(pad));
    }
  }

  // What the last byte says the request was; kNone where it says nothing that could be.
  [[nodiscard]] std::size_t requested() const noexcept {
    const std::uint8_t code = load_byte_beside_owner(slot_ + bytes_ - 1);
    if (code == 0 || __builtin_parity(code) != 0) [[unlikely]]
      return kNone;
    std::size_t pad = length_from(code);
    if (pad >= kLong) [[unlikely]] {
      if (bytes_ < kLong) return kNone;
      pad = get_length();
      if (pad < kLong) return kNone;
    }
    return pad > bytes_ ? kNone : bytes_ - pad;
  }

  // The first pad byte that is not as written; null where the canary is whole. `requested` is then the request's size, and
  // otherwise what it seems to have been; kNone: nothing of the pad is left to tell.
  [[nodiscard]] const std::byte* broken(std::size_t& requested) const noexcept {
    assert_readable(slot_ + bytes_ - 1, 1);
    requested = this->requested();
    if (requested != kNone && is_whole(requested)) [[likely]]
      return nullptr;
    return diagnose(requested);
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
  static constexpr std::size_t kLong = 127;   // the code of a pad whose length does not fit it
  static constexpr std::size_t kTelling = 3;  // so many whole bytes of a canary are no accident

  [[nodiscard]] std::uint64_t word_for(std::size_t pad) const noexcept { return without_zeros((mixed_ + pad) * kOdd2); }
  [[nodiscard]] std::uint64_t word_of(std::size_t requested) const noexcept { return word_for(bytes_ - requested); }
  // Where the word's repetitions end and what tells the pad's length begins.
  [[nodiscard]] std::size_t end_of(std::size_t pad) const noexcept {
    return bytes_ - (pad >= kLong ? 1 + sizeof(std::uint16_t) : 1);
  }

  // Whether the pad is as it was written for that request, whose size the last byte tells.
  [[nodiscard]] bool is_whole(std::size_t requested) const noexcept {
    const std::size_t pad = bytes_ - requested;
    if (pad >= kLong) [[unlikely]]
      return broken_canary(slot_, requested, end_of(pad), word_for(pad)) == nullptr;
    assert_readable(slot_ + requested, pad);
    // The last word ends in the code instead.
    const std::uint64_t word = word_for(pad);
    const std::size_t last = bytes_ - 8;
    const std::uint64_t differences = (load_beside_owner(slot_ + last) ^ word) << 8 >> 8;
    if (requested >= last) return differences >> ((requested - last) * 8) == 0;
    return differences == 0 && is_canary_to_end(slot_, requested, last, word);
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

  // Of a number below 2 * kLong. Without a branch, which a key could make hard to predict.
  [[nodiscard]] static constexpr std::size_t modulo_long(std::size_t n) noexcept {
    return n - (kLong & -static_cast<std::size_t>(n >= kLong));
  }
  // A pad of n bytes, 1 to 127, is i = 1 + (n - 1 + k) mod 127, k from the key and the place; its code is i and its parity.
  [[nodiscard]] std::size_t shift() const noexcept { return (mixed_ >> 32) % kLong; }
  [[nodiscard]] std::uint8_t code_for(std::size_t pad) const noexcept {
    const auto i = static_cast<unsigned>(1 + modulo_long(pad - 1 + shift()));
    return static_cast<std::uint8_t>(i << 1 | static_cast<unsigned>(__builtin_parity(i)));
  }
  [[nodiscard]] std::size_t length_from(std::uint8_t code) const noexcept {
    return 1 + modulo_long((code >> 1) - 1U + kLong - shift());
  }

  // The length of a long pad, under a mask of its own.
  [[nodiscard]] std::uint16_t mask() const noexcept { return static_cast<std::uint16_t>(mixed_ >> 48); }
  void put_length(std::size_t pad) const noexcept {
    const auto stored = static_cast<std::uint16_t>(pad ^ mask());
    std::memcpy(slot_ + bytes_ - 1 - sizeof stored, &stored, sizeof stored);
  }
  [[nodiscard]] std::size_t get_length() const noexcept {
    std::uint16_t stored = 0;
    std::memcpy(&stored, slot_ + bytes_ - 1 - sizeof stored, sizeof stored);
    return stored ^ std::size_t{mask()};
  }

  std::byte* slot_;
  std::size_t bytes_;
  std::uint64_t mixed_;
};

}  // namespace trestle
