// Reading the bytes of one chunk: untrusted. Nothing is looked at that lies behind their end.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trace/format.hpp"

namespace trestle::trace {

// Where a program's code came from. `base` is what the loader added to the addresses in the file.
struct Module {
  std::uint64_t base = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // the byte behind
  std::string path;        // empty: the program's own
  bool operator==(const Module&) const = default;
};

// A cursor over the bytes. What is wrong with them is thrown as a Flaw, with where it is.
struct Flaw {
  std::size_t at;
  const char* what;
};

class Bytes {
 public:
  explicit Bytes(std::span<const unsigned char> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool is_at_end() const { return at_ == bytes_.size(); }
  [[nodiscard]] unsigned char take_byte();
  [[nodiscard]] std::uint64_t take_number();
  [[nodiscard]] std::string take_text(std::uint64_t length);

 private:
  std::span<const unsigned char> bytes_;
  std::size_t at_ = 0;
};

// The records of a chunk of calls, one by one.
class Decoder {
 public:
  Decoder() = default;
  Decoder(std::span<const unsigned char> records, std::uint64_t after) : bytes_(records), number_(after) {}

  [[nodiscard]] bool is_at_end() const { return bytes_.is_at_end(); }
  [[nodiscard]] std::size_t at() const { return bytes_.at(); }
  [[nodiscard]] Record take();

 private:
  [[nodiscard]] std::uint64_t number_after(std::uint64_t number);
  [[nodiscard]] std::uint64_t take_address();
  [[nodiscard]] std::uint64_t take_site(bool is_known);

  Bytes bytes_{{}};
  std::uint64_t number_ = 0;
  std::uint64_t address_ = 0;
  std::array<std::uint64_t, kSites> sites_{};
};

[[nodiscard]] std::vector<Module> decode_modules(std::span<const unsigned char> records);

}  // namespace trestle::trace
