// The reader of the tables for exceptions: any bytes are tables that say something or nothing, of which nothing beyond their end
// is read, and what they say ends.
#include "report/unwind_tables.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/arith.hpp"
#include "base/keyed.hpp"
#include "target.hpp"

namespace {

using namespace trestle;
using namespace std::string_view_literals;

// Instructions and operations.
constexpr std::string_view kWords[] = {"\x41"sv,     "\x02\x10"sv,     "\x0e\x10"sv,     "\x0c\x07\x08"sv,
                                       "\x0d\x06"sv, "\x86\x02"sv,     "\x90\x01"sv,     "\xc6"sv,
                                       "\x0a\x0b"sv, "\x07\x10"sv,     "\x08\x06"sv,     "\x2e\x10"sv,
                                       "\x12\x06"sv, "\x11\x06"sv,     "\x0f\x02\x77"sv, "\x10\x06\x02\x76"sv,
                                       "\x16\x03"sv, "\x77\x08"sv,     "\x06"sv,         "\x22"sv,
                                       "\x3f\x1a"sv, "\x3b\x2a"sv,     "\x33\x24"sv,     "\x0a\xff\x7f"sv,
                                       "zR\0"sv,     "zPLR\0"sv,       "zRS\0"sv,        "\x1b"sv,
                                       "\xff\xff"sv, "\x80\x80\x7f"sv, "\0\0\0\0"sv,     "\x01\x78\x10"sv};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "ERROR: %s\n", what);
  std::abort();
}

void expect_within(std::span<const std::uint8_t> part, std::span<const std::uint8_t> all) {
  if (part.empty()) return;
  if (part.data() < all.data() || part.data() + part.size() > all.data() + all.size())
    fail("an expression lies outside of the object");
}

// The stack's words are made of their addresses. Of 16, one cannot be read and one is zero.
bool read_word(std::uintptr_t at, std::uintptr_t& word, void* reads) {
  ++*static_cast<std::size_t*>(reads);
  const std::uint64_t made = fold(at ^ kOdd1, kOdd2);
  word = made % 16 == 1 ? 0 : made;
  return made % 16 != 0;
}

}  // namespace

const fuzz::Input trestle_fuzz_input{nullptr, kWords};

// The second word of the header, which the reader leaves alone, is the place that is asked about.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kPlace = 4;
  std::uint32_t place = 0;
  if (size < kPlace + sizeof place) return 0;
  std::memcpy(&place, data + kPlace, sizeof place);
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[size]);
  std::memcpy(exact.get(), data, size);
  const std::span<const std::uint8_t> object(exact.get(), size);
  const auto rule = read_unwind_rule({object, exact.get()}, address_of(exact.get()) + place);
  if (!rule) return 0;
  expect_within(rule->expression, object);
  expect_within(rule->bp.expression, object);
  expect_within(rule->return_address.expression, object);
  if (rule->from == UnwindRule::From::unfollowed) fail("a rule by a register that nobody follows");
  std::size_t reads = 0;
  const Registers frame{address_of(exact.get()) + place, 0x7f0000001000, 0x7f0000001080};
  const auto caller = apply(*rule, frame, read_word, &reads);
  if (caller && caller->pc == 0) fail("a caller that is nowhere");
  if (reads > size + 2) fail("more words are read than there are operations");
  return 0;
}
