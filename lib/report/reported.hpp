// What a report says, before it is text for people or for programs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "report/report.hpp"
#include "report/stack.hpp"
#include "report/symbolizer.hpp"
#include "report/text.hpp"

namespace trestle {

using ReportText = Text<(std::size_t{112} << 10)>;

// One of the stacks of a report: addresses inside of the calls, and where among all of them the first one is.
struct ToldStack {
  Stack stack{};
  std::size_t first = 0;
  int thread = 0;
};

struct Reported {
  const Fault& fault;
  std::uint64_t offset;
  const Call& call;
  Severity severity;
  std::string_view likely;       // causes
  const ToldStack& called;       // by whom the call was made
  const ToldStack& allocated;    // by whom the block was; empty: not known
  const ToldStack& freed;        // by whom it was; empty: not known, or nobody
  const Symbolizer* symbolizer;  // what it knows of all their addresses; null: nobody was asked
  Leaked leaked{};               // no blocks: it is about another fault

  // The bytes, tag or counter that were found are not those expected.
  [[nodiscard]] bool has_evidence() const noexcept { return fault.expected != fault.found; }
  // A slot whose canary is gone tells no request.
  [[nodiscard]] bool knows_request() const noexcept { return fault.requested != 0 || fault.served == 0; }

  // Calls visit(address, source) for each frame of one of the stacks, the innermost first, and once more, with the same
  // address, for each function that was inlined into it, until it answers false, as it does where there is no room. True: it
  // never did.
  template <class Visit>
  bool for_each_frame(const ToldStack& told, Visit visit) const noexcept {
    for (std::size_t i = 0; i < told.stack.depth; ++i) {
      const void* const address = told.stack.frames[i];
      const std::span<const SourcePlace> places =
          symbolizer != nullptr ? symbolizer->places_of(told.first + i) : std::span<const SourcePlace>{};
      if (places.empty() && !visit(address, SourcePlace{})) return false;
      for (const SourcePlace& place : places)
        if (!visit(address, place)) return false;
    }
    return true;
  }
};

}  // namespace trestle
