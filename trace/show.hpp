// A trace as text, a call a line.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "trace/resolve.hpp"

namespace trestle::trace {

// "python3.11+0x4f1c2" of an address that a module holds, "0x..." of any other.
class Sites {
 public:
  explicit Sites(const Reader& reader);
  [[nodiscard]] std::string name_of(std::uint64_t site) const;

 private:
  std::vector<Module> modules_;  // by where they begin
};

// "17 thread=0 malloc size=24 slot=3 from python3.11+0x4f1c2"
[[nodiscard]] std::string to_text(const Op& op, const Sites& sites);

}  // namespace trestle::trace
