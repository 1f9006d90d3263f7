// The frames of reports that tell no source, as text or in a line of JSON, written again with what is known of them by now.
// Everything else stays as it is, byte for byte.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::tool {

// What the source is at an address: a function and a file:line, of which one may be empty.
struct Place {
  std::string function;
  std::string location;
  bool operator==(const Place&) const = default;
};
using Places = std::vector<Place>;  // the innermost of those inlined first; empty: nothing is known
// The places of an offset in an object; both as the report has them. They last until the next call.
using Resolve = std::function<const Places&(const std::string& object, const std::string& offset)>;

// A line that ends with a frame: views into it.
struct FrameLine {
  std::string_view lead;  // what stands before its '#'
  std::uint64_t number;
  std::string_view address;
  std::string_view rest;    // behind the address
  std::string_view object;  // and its offset, of a frame that tells no source; else both are empty
  std::string_view offset;
};
// Something may stand before the frame, as logs have it, but nothing behind. Cost: O(line).
[[nodiscard]] std::optional<FrameLine> frame_in(std::string_view line);

// Text, line by line. What was inlined becomes a frame of its own behind the same lead, and the stack's frames after it are
// counted on, as the library does it.
class TextRewriter {
 public:
  explicit TextRewriter(Resolve resolve) : resolve_(std::move(resolve)) {}
  // Appends the line and its end, which is "\n", "\r\n" or nothing, to `out`.
  void rewrite(std::string_view line, std::string_view end, std::string& out);

 private:
  Resolve resolve_;
  std::uint64_t next_ = 0;   // the number that continues the stack
  std::uint64_t added_ = 0;  // frames of it that are ours
  std::string last_end_ = "\n";
};

// The bytes of a path or a name as a report in JSON has it: of those that are no UTF-8 each is a character of its own.
[[nodiscard]] std::string bytes_of_name(std::string_view told);

// A report in JSON, or anything else, which stays as it is.
[[nodiscard]] std::string rewritten_json(std::string_view line, const Resolve& resolve);

}  // namespace trestle::tool
