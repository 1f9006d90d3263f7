#include "shim/asan_report.hpp"

#include "base/marks.hpp"

#if defined(TRESTLE_TELLS_ASAN)

#include "block/header.hpp"
#include "shim/process_heap.hpp"

namespace trestle {
namespace {

struct Search {
  const std::byte* at;
  BlockView found{};
  BlockView before{};
};

// The block in whose bytes the address lies, or else the one in whose header it does; of a block that is not live that is the
// end of the one before.
BlockView block_around(const void* at) noexcept {
  Search search{static_cast<const std::byte*>(at)};
  const auto look = [](const BlockView& view, void* context) {
    Search& wanted = *static_cast<Search*>(context);
    const bool holds = view.payload <= wanted.at && wanted.at < view.payload + view.served;
    const bool in_header = wanted.at < view.payload && view.payload - wanted.at <= std::ptrdiff_t{kHeaderBytes};
    const bool ends_before =
        address_of(wanted.before.payload) + wanted.before.served + kHeaderBytes == address_of(view.payload);
    const bool is_end = in_header && view.state != BlockState::live && ends_before;
    if (holds || in_header) wanted.found = is_end ? wanted.before : view;
    wanted.before = view;
    return !holds;
  };
  process_heap().walk({look, &search});
  return search.found;
}

// Not of bytes that are the program's: whatever that report is about, it is not them.
Fault fault_at(const void* at) noexcept {
  if (!is_started() || process_heap().offset_of(at) == UINT64_MAX || process_heap().is_entered_by_caller()) return {};
  // Behind a large block, or in one that was freed, nothing would be readable elsewhere.
  if (const Fault refused = process_heap().explain_access(at); refused.is_fault()) return refused;
  const BlockView block = block_around(at);
  if (block.payload == nullptr) return {};
  Fault fault{.address = at, .block = block.payload, .requested = block.requested, .served = block.served};
  if (block.state != BlockState::live)
    fault.kind = FaultKind::access_after_free;
  else if (at < block.payload)
    fault.kind = FaultKind::access_before_start;
  else if (__asan_address_is_poisoned(at) != 0)  // how long it is not every policy knows
    fault.kind = FaultKind::access_past_end;
  return fault;
}

void tell_ours([[maybe_unused]] const char* report) noexcept {
  const Fault fault = fault_at(__asan_get_report_address());
  if (!fault.is_fault()) return;
  const char* const access = __asan_get_report_access_type() != 0 ? "a write" : "a read";
  // Where the sanitizer was called, its own frame is the innermost.
  const void* const place = __asan_get_report_pc();
  struct {
    const void* caller;
    const void* return_address;
  } frame{};
  const void* const innermost = __asan_get_report_bp();
  const bool is_its_own = os::read_own_memory(innermost, &frame, sizeof frame) && frame.return_address == place;
  const CallSite site{is_its_own ? frame.caller : innermost, place, true, nullptr};
  tell(fault, {access, nullptr, kPolicy.name, site}, Severity::warning);
}

}  // namespace

void accompany_asan_reports() noexcept { __asan_set_error_report_callback(tell_ours); }

}  // namespace trestle

#else

void trestle::accompany_asan_reports() noexcept {}

#endif
