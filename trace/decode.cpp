#include "trace/decode.hpp"

#include <bit>

namespace trestle::trace {

unsigned char Bytes::take_byte() {
  if (is_at_end()) throw Flaw{at_, "a record that is not whole"};
  return bytes_[at_++];
}

std::uint64_t Bytes::take_number() {
  const std::uint32_t first = take_byte();
  const auto behind = static_cast<unsigned>(std::countr_zero(first | 1U << 8));
  std::uint64_t above = 0;
  for (unsigned i = 0; i < behind; ++i) above |= std::uint64_t{take_byte()} << 8 * i;
  // Of the first byte the zeros and the one above them are no part of the number.
  return behind == 8 ? above : first >> (behind + 1) | above << (7 - behind);
}

std::string Bytes::take_text(std::uint64_t length) {
  if (length > bytes_.size() - at_) throw Flaw{at_, "a text that is not whole"};
  const unsigned char* const first = bytes_.data() + at_;
  at_ += length;
  return {first, first + length};
}

Record Decoder::take() {
  const std::size_t start = bytes_.at();
  const unsigned char head = bytes_.take_byte();
  if ((head & kCallBits) >= kCalls || (head & 0x80) != 0) throw Flaw{start, "a call that there is not"};
  Record record{.call = static_cast<Call>(head & kCallBits)};
  const CallShape& shape = shape_of(record.call);
  record.begin = number_after((head & kNextNumber) != 0 ? 0 : bytes_.take_number());
  record.end = shape.two_events() ? number_after(bytes_.take_number()) : record.begin;
  if (shape.size) record.size = bytes_.take_number();
  if (shape.alignment) record.alignment = bytes_.take_number();
  if (shape.before) record.before = take_address();
  if (shape.after) record.after = take_address();
  record.site = take_site((head & kKnownSite) != 0);
  return record;
}

std::uint64_t Decoder::number_after(std::uint64_t skipped) {
  if (skipped >= UINT64_MAX - number_) throw Flaw{bytes_.at(), "an event's number of more than 64 bits"};
  return number_ += skipped + 1;
}

std::uint64_t Decoder::take_address() {
  address_ += zigzag_back(bytes_.take_number());
  return turned_back(address_);
}

std::uint64_t Decoder::take_site(bool is_known) {
  if (is_known) return sites_[bytes_.take_byte()];
  const std::uint64_t site = bytes_.take_number();
  return sites_[place_of_site(site)] = site;
}

std::vector<Module> decode_modules(std::span<const unsigned char> records) {
  std::vector<Module> modules;
  for (Bytes bytes(records); !bytes.is_at_end();) {
    Module module;
    module.base = bytes.take_number();
    module.first = bytes.take_number();
    module.last = bytes.take_number();
    module.path = bytes.take_text(bytes.take_number());
    modules.push_back(std::move(module));
  }
  return modules;
}

}  // namespace trestle::trace
