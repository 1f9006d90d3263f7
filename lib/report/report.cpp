#include "report/report.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "base/arith.hpp"
#include "os/linux_os.hpp"
#include "os/output.hpp"
#include "os/undisturbed.hpp"
#include "report/json.hpp"
#include "report/reported.hpp"

namespace trestle {
namespace {

constexpr std::size_t kDumpBytes = 32;  // a side

// Too large for the stack that a signal handler may run on, and therefore used by one thread at a time.
struct Room {
  ReportText text;
  ToldStack called;
  ToldStack allocated;
  ToldStack freed;
  std::array<const void*, Symbolizer::kMostAddresses> addresses;  // of all three
  Symbolizer symbolizer;
};
constinit Room room_of_reports{};
std::atomic<int> reporter{0};  // the thread that uses it
std::atomic<const char*> chosen_symbolizer{""};
std::atomic<const Suppressions*> suppressions{nullptr};
std::atomic<const char*> json_path{""};

// whole: the room is the caller's from now on.
Printed enter_room() noexcept {
  constexpr std::uint64_t kLongest = 2 * (Symbolizer::kPatienceNs + os::kOutputPatienceNs);
  const std::uint64_t begun = os::now_ns();
  const int self = os::thread_id();
  for (int owner = 0; !reporter.compare_exchange_strong(owner, self, std::memory_order_acquire); owner = 0) {
    if (owner == self) return Printed::inside;
    if (os::now_ns() - begun > kLongest) return Printed::busy;
    // A thread of the process that this one was forked from will not leave.
    if (!os::is_thread(owner)) reporter.compare_exchange_strong(owner, 0, std::memory_order_relaxed);
    os::sleep_a_little();
  }
  return Printed::whole;
}
void leave_room() noexcept { reporter.store(0, std::memory_order_release); }

std::string_view likely_causes(FaultKind kind) noexcept {
  switch (kind) {
    case FaultKind::double_free:
      return "two owners free the same block, or an object is destroyed twice";
    case FaultKind::interior_pointer:
      return "a pointer was moved on (p++) before it was freed, or it points to a member";
    case FaultKind::not_a_block:
      return "an uninitialised or stale pointer, or one computed wrongly";
    case FaultKind::wild_pointer:
      return "the address of a local or global, memory of another allocator, or an uninitialised pointer";
    case FaultKind::stale_pointer:
      return "the block was freed, or moved by realloc, and the old pointer kept";
    case FaultKind::write_past_end:
      return "a buffer one too short, a missing byte for the terminating NUL, or a wrong index";
    case FaultKind::write_before_start:
      return "a negative index, or an overflow of what lies below";
    case FaultKind::write_after_free:
      return "a pointer kept after free was written through";
    case FaultKind::size_mismatch:
      return "deleted through a pointer to another type, or a size that changed since";
    case FaultKind::alignment_mismatch:
      return "deleted as a type of another alignment";
    case FaultKind::kind_mismatch:
      return "delete for new[], delete[] for new, or free and malloc mixed with them";
    case FaultKind::access_before_start:
      return "a negative index, or a pointer that was moved back too far";
    case FaultKind::access_past_end:
      return "a wrong index, or a buffer that is too short";
    case FaultKind::wild_access:
      return "a wrong index, or a pointer that is uninitialised, stale or computed wrongly";
    case FaultKind::leak:
      return "the last pointer was overwritten, or went with what held it, and the block was not freed before";
    case FaultKind::access_after_free:
      return "a pointer kept after free was used";
    case FaultKind::header_corrupt:
      return "an overflow of the block before, or a write before the start of this one";
    default:
      return "a wild write, or an overflow, into memory that the heap owns";
  }
}

void add_place(ReportText& text, const Reported& report) noexcept {
  const Fault& fault = report.fault;
  if (fault.block == nullptr) return;
  const auto* const block = static_cast<const std::byte*>(fault.block);
  text.add("\n  block      ").add_address(block).add(", ");
  if (report.knows_request()) text.add(std::uint64_t{fault.requested}).add(" bytes requested, ");
  text.add(std::uint64_t{fault.served}).add(" served");
  const auto* const at = static_cast<const std::byte*>(fault.address);
  constexpr std::size_t kNear = 64;  // farther, and the address is no part of the block but what is kept about it
  const bool is_past_end = fault.kind == FaultKind::write_past_end || fault.kind == FaultKind::access_past_end;
  const bool is_near = at < block && static_cast<std::size_t>(block - at) <= kNear;
  if (is_near || fault.kind == FaultKind::access_before_start) {
    text.add("\n  the address lies ")
        .add(static_cast<std::uint64_t>(block - at))
        .add(" bytes before the block's start");
  } else if (report.knows_request() && at >= block + fault.requested && is_past_end) {
    text.add("\n  the address is byte ")
        .add(static_cast<std::uint64_t>(at - block) - fault.requested + 1)
        .add(" past the request's end");
  } else if (at > block && static_cast<std::size_t>(at - block) <= fault.served) {
    text.add("\n  the address lies ").add(static_cast<std::uint64_t>(at - block)).add(" bytes into the block");
  }
}

void add_blocks(ReportText& text, std::uint64_t blocks, std::uint64_t bytes) noexcept {
  text.add(blocks).add(blocks == 1 ? " block, " : " blocks, ").add(bytes).add(bytes == 1 ? " byte" : " bytes");
}
void add_leaked(ReportText& text, const Leaked& leaked) noexcept {
  text.add("\n  leaked     ");
  add_blocks(text, leaked.blocks, leaked.bytes);
  if (leaked.indirect_blocks == 0) return;
  text.add("; and what only they lead to: ");
  add_blocks(text, leaked.indirect_blocks, leaked.indirect_bytes);
}

// The bytes around the address, as far as they can be read; the address's own in brackets.
void add_dump(ReportText& text, const void* address) noexcept {
  std::array<std::byte, 2 * kDumpBytes> bytes{};
  const auto* const at = static_cast<const std::byte*>(address);
  const auto* const from = reinterpret_cast<const std::byte*>(address_of(at) - kDumpBytes);
  const bool before = os::read_own_memory(from, bytes.data(), kDumpBytes);
  std::size_t behind = kDumpBytes;
  if (!os::read_own_memory(at, bytes.data() + kDumpBytes, behind)) {
    behind = std::min(kDumpBytes, kOsPage - address_of(at) % kOsPage);  // a guard page may come next
    if (!os::read_own_memory(at, bytes.data() + kDumpBytes, behind)) behind = 0;
  }
  text.add("\n  bytes around the address:");
  if (!before && behind == 0) text.add(" none can be read");
  constexpr std::size_t kRow = 16;
  for (std::size_t i = before ? 0 : kDumpBytes; i < kDumpBytes + behind; ++i) {
    if (i % kRow == 0) text.add("\n    ").add_address(from + i).add(" ");
    text.add(i == kDumpBytes ? "[" : i == kDumpBytes + 1 && i % kRow != 0 ? "]" : " ").add_byte(bytes[i]);
  }
  if (behind == 1) text.add("]");
}

void add_frame(ReportText& text, std::uint64_t number, const void* address, const SourcePlace& source) noexcept {
  text.add("    #").add(number).add(" ").add_address(address);
  add_source(text, source);
  const CodePlace place = place_of_code(address);
  if (place.path != nullptr)
    text.add(" (").add(place.path[0] == '\0' ? own_path() : place.path).add("+").add_hex(place.offset).add(")");
  text.add("\n");
}

// Return addresses as addresses inside of the calls, up to the first that is no code: where a caller keeps no frame pointers,
// what was taken for a frame is not one.
void keep_calls(Stack& stack) noexcept {
  std::size_t kept = 0;
  while (kept < stack.depth && (kept == 0 || place_of_code(stack.frames[kept]).path != nullptr)) ++kept;
  stack.depth = kept;
  for (const void*& address : std::span(stack.frames).first(kept)) address = static_cast<const std::byte*>(address) - 1;
}

void take(const PastCall& call, ToldStack& told) noexcept {
  told.stack.depth = 0;
  if (call.trace == nullptr) return;
  told.stack.depth = std::min(call.trace->depth(), kMaxFrames);
  for (std::size_t i = 0; i < told.stack.depth; ++i) told.stack.frames[i] = call.trace->return_address(i);
  keep_calls(told.stack);
  told.thread = call.thread;
}

// All their addresses, in a row.
std::span<const void* const> gather(Room& room) noexcept {
  std::size_t count = 0;
  for (ToldStack* const told : {&room.called, &room.allocated, &room.freed}) {
    told->first = count;
    for (const void* const address : told->stack.addresses()) room.addresses[count++] = address;
  }
  return std::span(room.addresses).first(count);
}

void find_stacks(const CallSite& site, const History& history, Room& room) noexcept {
  capture(site, room.called.stack);
  keep_calls(room.called.stack);
  room.called.thread = os::thread_id();
  take(history.allocated, room.allocated);
  take(history.freed, room.freed);
}

// What is known of them. What the report has said by then is printed before, since that may take long.
void symbolize(Reported& report, Room& room) noexcept {
  const char* const program = chosen_symbolizer.load(std::memory_order_acquire);
  const std::span<const void* const> addresses = gather(room);
  if (addresses.empty() || program[0] == '\0') return;
  os::write_to_stderr(room.text.chars());
  room.text.clear();
  room.symbolizer.resolve(addresses, program);
  report.symbolizer = &room.symbolizer;
}

void add_head(ReportText& text, const Reported& report) noexcept {
  const Fault& fault = report.fault;
  const FaultTraits& traits = traits_of(fault.kind);
  text.add("==").add(static_cast<std::uint64_t>(os::process_id())).add("==");
  text.add(report.severity == Severity::fatal ? "ERROR" : "WARNING")
      .add(": trestle: ")
      .add(traits.name)
      .add(" in ")
      .add(report.call.function);
  if (report.call.argument != nullptr) text.add("(").add_address(report.call.argument).add(")");
  text.add("\n  meaning    ").add(traits.meaning);
  if (traits.invariant != 0) text.add(" (invariant I").add(static_cast<std::uint64_t>(traits.invariant)).add(")");
  text.add("\n  address    ").add_address(fault.address);
  if (report.offset != UINT64_MAX) text.add(", heap offset ").add_hex(report.offset);
  add_place(text, report);
  if (report.leaked.blocks != 0) add_leaked(text, report.leaked);
  if (report.has_evidence()) text.add("\n  expected   ").add_hex(fault.expected).add(", found ").add_hex(fault.found);
  text.add("\n  policy     ").add(report.call.policy);
  text.add(", thread ").add(static_cast<std::uint64_t>(report.called.thread));
  text.add("\n  likely     ").add(report.likely);
  if (fault.block != nullptr) add_dump(text, fault.address);
  text.add("\n");
}

// With its heading, unless it is empty.
void add_stack(ReportText& text, const Reported& report, const ToldStack& told, std::string_view heading) noexcept {
  if (told.stack.depth == 0) return;
  text.add(heading);
  if (&told != &report.called) text.add(static_cast<std::uint64_t>(told.thread));
  text.add(":\n");
  std::uint64_t number = 0;
  constexpr std::size_t kMost = 8192;  // of a frame, whose object's path may be long
  const bool all = report.for_each_frame(told, [&](const void* address, const SourcePlace& source) {
    if (text.room() < kMost) return false;
    add_frame(text, number++, address, source);
    return true;
  });
  if (!all) text.add("    ...\n");
}

void add_stacks(ReportText& text, const Reported& report) noexcept {
  add_stack(text, report, report.called, "  called from");
  add_stack(text, report, report.allocated, "  allocated by thread ");
  add_stack(text, report, report.freed, "  freed by thread ");
}

// Whether the suppressions know one of the frames, by its object alone or by what the symbolizer knows of it.
bool is_object_suppressed(const Suppressions& chosen, std::span<const void* const> frames) noexcept {
  return std::any_of(frames.begin(), frames.end(), [&](const void* frame) {
    const char* const object = place_of_code(frame).path;
    return object != nullptr && chosen.match(object[0] == '\0' ? own_path() : std::string_view(object));
  });
}
bool is_source_suppressed(const Suppressions& chosen, std::span<const void* const> frames, const Room& room,
                          std::span<const void* const> asked) noexcept {
  return std::any_of(frames.begin(), frames.end(), [&](const void* frame) {
    const auto index = static_cast<std::size_t>(std::find(asked.begin(), asked.end(), frame) - asked.begin());
    const std::span<const SourcePlace> places = room.symbolizer.places_of(index);
    return std::any_of(places.begin(), places.end(), [&](const SourcePlace& place) {
      return chosen.match(place.function) || chosen.match(place.location);
    });
  });
}

// As many of the traces as the symbolizer can be asked of at once: frames that several have are asked once.
std::size_t find_suppressed(const Suppressions& chosen, std::span<const Trace* const> traces,
                            std::span<bool> suppressed, Room& room) noexcept {
  const auto frames_of = [&](const Trace* trace) {
    take({0, trace}, room.allocated);
    return room.allocated.stack.addresses();
  };
  std::size_t told = 0;
  std::size_t count = 0;
  for (; told < traces.size(); ++told) {
    const std::span<const void* const> frames = frames_of(traces[told]);
    if (count + frames.size() > room.addresses.size()) break;
    suppressed[told] = is_object_suppressed(chosen, frames);
    const auto* const asked = room.addresses.data();
    for (const void* const frame : suppressed[told] ? std::span<const void* const>{} : frames)
      if (std::find(asked, asked + count, frame) == asked + count) room.addresses[count++] = frame;
  }
  const std::span<const void* const> asked = std::span(room.addresses).first(count);
  const char* const program = chosen_symbolizer.load(std::memory_order_acquire);
  if (asked.empty() || program[0] == '\0') return told;
  room.symbolizer.resolve(asked, program);
  for (std::size_t i = 0; i < told; ++i)
    suppressed[i] = suppressed[i] || is_source_suppressed(chosen, frames_of(traces[i]), room, asked);
  return told;
}

}  // namespace

trestle_fault publish(const Fault& fault, std::uint64_t offset) noexcept {
  const FaultTraits& traits = traits_of(fault.kind);
  trestle_fault out{};
  out.kind = static_cast<trestle_fault_kind>(fault.kind);
  out.invariant = traits.invariant;
  out.address = fault.address;
  out.heap_offset = offset;
  out.block = fault.block;
  out.requested = fault.requested;
  out.served = fault.served;
  out.expected = fault.expected;
  out.found = fault.found;
  Text<sizeof out.text> text;
  text.add(traits.name).add(" at ").add_address(fault.address).add(": ").add(traits.meaning);
  if (fault.expected != fault.found)
    text.add(" (expected ").add_hex(fault.expected).add(", found ").add_hex(fault.found).add(")");
  text.copy_to(out.text);
  return out;
}

Printed print_report(const Fault& fault, std::uint64_t offset, const Call& call, Severity severity,
                     const Beside& beside) noexcept {
  const os::Undisturbed undisturbed;  // who left by a jump, or ended, would keep all others waiting
  if (const Printed entered = enter_room(); entered != Printed::whole) {
    print_line("a fault while another is reported: ", traits_of(fault.kind).name, " in ", call.function);
    return entered;
  }
  Room& room = room_of_reports;
  ReportText& text = room.text;
  find_stacks(call.site, beside.history, room);
  Reported report{fault,       offset,         call,       severity, likely_causes(fault.kind),
                  room.called, room.allocated, room.freed, nullptr,  beside.leaked};
  text.clear();
  add_head(text, report);
  symbolize(report, room);
  add_stacks(text, report);
  os::write_to_stderr(text.chars());
  if (const char* const path = json_path.load(std::memory_order_acquire); path[0] != '\0') {
    text.clear();
    add_json(text, report);
    const int error = os::append_to_file(path, text.chars());
    if (error != 0) print_line("cannot append the report to ", path, ": ", os::reason_for(error));
  }
  leave_room();
  return Printed::whole;
}

void find_suppressed(std::span<const Trace* const> traces, std::span<bool> suppressed) noexcept {
  std::fill(suppressed.begin(), suppressed.end(), false);
  const Suppressions* const chosen = suppressions.load(std::memory_order_acquire);
  if (chosen == nullptr || chosen->is_empty()) return;
  const os::Undisturbed undisturbed;
  if (enter_room() != Printed::whole) return;
  for (std::size_t done = 0; done < traces.size();)
    done += find_suppressed(*chosen, traces.subspan(done), suppressed.subspan(done), room_of_reports);
  leave_room();
}

void set_json_reports(const char* path) noexcept { json_path.store(path, std::memory_order_release); }
void set_suppressions(const Suppressions* chosen) noexcept { suppressions.store(chosen, std::memory_order_release); }
void set_symbolizer(const char* path) noexcept { chosen_symbolizer.store(path, std::memory_order_release); }

void print_line(std::string_view first, std::string_view second, std::string_view third,
                std::string_view fourth) noexcept {
  Text<512> text;
  text.add("trestle: ").add(first).add(second).add(third).add(fourth).add("\n");
  os::write_to_stderr(text.chars());
}

}  // namespace trestle
