#include "report/stack.hpp"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <utility>

#include "base/arith.hpp"
#include "base/machine.hpp"
#include "base/sanitize.hpp"
#include "os/linux_os.hpp"
#include "report/unwind_tables.hpp"

// Where the first thread's stack begins, by the loader; it grows down from there.
extern "C" [[gnu::weak]] void* __libc_stack_end;

namespace trestle {
namespace {

// A frame further than this from the one it was called from is a stray pointer.
constexpr std::uintptr_t kFarthestFrame = std::uintptr_t{1} << 20;

constinit std::atomic<bool> by_tables{false};

struct Frame {
  std::uintptr_t caller = 0;
  const void* return_address = nullptr;
};

// A function that was called from another object, as memcpy is, and that keeps no frame.
bool is_where_a_leaf_returns(const CallSite& site) noexcept {
  if (!site.is_interrupted || site.top_of_stack == nullptr) return false;
  const CodePlace above = place_of_code(site.top_of_stack);
  return above.path != nullptr && above.path != place_of_code(site.return_address).path;
}

// Return addresses into `into`, as long as read(address, frame) can tell of the next caller; how many.
template <class Read>
std::size_t walk(const CallSite& site, std::span<const void*> into, Read read) noexcept {
  if (site.return_address == nullptr || into.empty()) return 0;
  std::size_t depth = 0;
  into[depth++] = site.return_address;
  std::uintptr_t at = address_of(site.frame);
  std::uintptr_t below = at - 1;
  Frame frame;
  if (!site.is_interrupted) {  // that of the edge, into which the return address leads
    if (!read(at, frame)) return depth;
    below = std::exchange(at, frame.caller);
  }
  if (is_where_a_leaf_returns(site) && depth < into.size()) into[depth++] = site.top_of_stack;
  while (depth < into.size()) {
    const bool plausible = is_aligned(at, sizeof(void*)) && at > below && at - below < kFarthestFrame;
    if (!plausible || !read(at, frame) || frame.return_address == nullptr) break;
    into[depth++] = frame.return_address;
    below = std::exchange(at, frame.caller);
  }
  return depth;
}

// How the memory of a stack is read on the way up by tables, and whether each place has to be code.
struct StackReader {
  ReadWord read;
  void* context;
  bool vets;
};

// Where the tables say nothing: out of a jump to nowhere, or of a leaf that keeps no frame, by the top of the stack, and otherwise
// by the frame pointer.
bool step_without_table(const CallSite& site, bool is_first, const StackReader& stack, Registers& frame) noexcept {
  if (is_first && is_where_a_leaf_returns(site)) {
    frame.pc = address_of(site.top_of_stack);
    frame.sp += sizeof(void*);
    return true;
  }
  const bool plausible = is_aligned(frame.bp, sizeof(void*)) && frame.bp - frame.sp < kFarthestFrame;  // nor below
  Registers caller{0, frame.bp + sizeof(Frame), 0};
  if (!plausible || !stack.read(frame.bp, caller.bp, stack.context) ||
      !stack.read(frame.bp + sizeof(void*), caller.pc, stack.context) || caller.pc == 0)
    return false;
  frame = caller;
  return true;
}

// The same as `walk` by tables.
std::size_t walk_by_tables(const CallSite& site, std::span<const void*> into, const StackReader& stack) noexcept {
  if (site.return_address == nullptr || into.empty()) return 0;
  std::size_t depth = 0;
  into[depth++] = site.return_address;
  bool is_exact = site.is_interrupted;
  Registers frame{address_of(site.return_address) - (is_exact ? 1 : 0), address_of(site.stack_pointer),
                  address_of(site.frame)};
  if (!site.is_interrupted) {  // behind the edge, which keeps a frame
    frame.sp = address_of(site.frame) + sizeof(Frame);
    if (!stack.read(address_of(site.frame), frame.bp, stack.context)) return depth;
  }
  while (depth < into.size()) {
    const std::uintptr_t below = frame.sp;
    const Unwound how = unwind(frame, is_exact, stack.read, stack.context);
    const bool goes_on = how == Unwound::no_rule
                             ? step_without_table(site, site.is_interrupted && depth == 1, stack, frame)
                             : how == Unwound::to_caller;
    if (how == Unwound::no_rule) is_exact = false;
    // A signal's handler may have run on a stack that lies above.
    if (!goes_on || !is_aligned(frame.sp, sizeof(void*)) || (frame.sp <= below && !is_exact)) break;
    const auto* const place = reinterpret_cast<const void*>(frame.pc + (is_exact ? 1 : 0));
    if (stack.vets && place_of_code(place).path == nullptr) break;
    into[depth++] = place;
  }
  return depth;
}
bool has_tables_for(const CallSite& site) noexcept {
  return by_tables.load(std::memory_order_acquire) && (!site.is_interrupted || site.stack_pointer != nullptr);
}

// Foreign memory, read by pieces that hold several frames, none of which reaches into another page.
class Pieces {
 public:
  template <class T>
  bool read(std::uintptr_t at, T& value) noexcept {
    const bool held = at >= start_ && at - start_ <= length_ && length_ - (at - start_) >= sizeof value;
    if (!held && !fetch(at, sizeof value)) return false;
    std::copy_n(bytes_.data() + (at - start_), sizeof value, reinterpret_cast<std::byte*>(&value));
    return true;
  }
  static bool read_word(std::uintptr_t at, std::uintptr_t& word, void* pieces) noexcept {
    return static_cast<Pieces*>(pieces)->read(at, word);
  }

 private:
  // From a little before on, where the tables look next.
  bool fetch(std::uintptr_t at, std::size_t least) noexcept {
    start_ = at - std::min(at % kOsPage, 2 * sizeof(Frame));
    const std::uintptr_t to_page_end = kOsPage - start_ % kOsPage;
    length_ = std::max(at - start_ + least, std::min(bytes_.size(), to_page_end));
    if (os::read_own_memory(reinterpret_cast<const void*>(start_), bytes_.data(), length_)) return true;
    length_ = 0;
    return false;
  }

  std::uintptr_t start_ = 0;
  std::size_t length_ = 0;
  std::array<std::byte, 2048> bytes_{};
};

// The calling thread's number; 0: not asked for yet.
[[gnu::tls_model("initial-exec")]] thread_local constinit int own_id = 0;

// What the calling thread has told of its stack.
struct ToldStack {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};
[[gnu::tls_model("initial-exec")]] thread_local constinit ToldStack told{};

// The end of the stack that the thread began on, if the frame is on that; 0: it may not be. From the frame to there nothing is
// unmapped while it is in use. Of the first thread's stack it is known that nothing else lies so near below. What has not been
// told of may have been cut out of anything.
std::uintptr_t end_of_own_stack(std::uintptr_t frame) noexcept {
  constexpr std::uintptr_t kSurely = std::uintptr_t{64} << 20;
  if (frame >= told.begin && frame < told.end) return told.end;
  if (&__libc_stack_end == nullptr) return 0;
  const std::uintptr_t end = address_of(__libc_stack_end);
  return frame < end && end - frame < kSurely ? end : 0;
}

// Between a function's own variables lie the sanitizer's, but a frame's two words are never poisoned; nor do others write them.
TRESTLE_READS_BESIDE_OWNERS Frame frame_at(std::uintptr_t at) noexcept {
  const auto* const words = reinterpret_cast<const std::uintptr_t*>(at);
  return {words[0], reinterpret_cast<const void*>(words[1])};
}

TRESTLE_READS_BESIDE_OWNERS std::uintptr_t word_at(std::uintptr_t at) noexcept {
  return *reinterpret_cast<const std::uintptr_t*>(at);
}

// The stack from the edge's frame on, which is the caller's own.
struct OwnStack {
  std::uintptr_t begin;
  std::uintptr_t end;

  static bool read_word(std::uintptr_t at, std::uintptr_t& word, void* stack) noexcept {
    const OwnStack& own = *static_cast<const OwnStack*>(stack);
    if (at < own.begin || at >= own.end || own.end - at < sizeof word || !is_aligned(at, sizeof word)) return false;
    word = word_at(at);
    return true;
  }
};

std::size_t capture_own_by_tables(const CallSite& site, std::span<const void*> into) noexcept {
  // Of interrupted code the frame pointer may be anything, and a little below the stack pointer is still its own.
  constexpr std::uintptr_t kBelow = 128;
  const std::uintptr_t begin = site.is_interrupted ? address_of(site.stack_pointer) - kBelow : address_of(site.frame);
  const std::uintptr_t end = end_of_own_stack(begin);
  if (end == 0) {
    Pieces pieces;
    return walk_by_tables(site, into, {Pieces::read_word, &pieces, false});
  }
  OwnStack own{begin, end};
  return walk_by_tables(site, into, {OwnStack::read_word, &own, false});
}

}  // namespace

bool follow_unwind_tables(bool wanted) noexcept {
  if (wanted) keep_unwind_rules();
  by_tables.store(wanted && kIsX86, std::memory_order_release);
  return kIsX86;
}

CodePlace place_of_code(const void* address) noexcept {
  dl_find_object found{};
  // Lock-free and async-signal-safe, of glibc 2.35.
  if (_dl_find_object(const_cast<void*>(address), &found) != 0) return {};
  return {found.dlfo_link_map->l_name, address_of(address) - found.dlfo_link_map->l_addr};
}

std::string_view own_path() noexcept {
  static std::array<char, PATH_MAX> path{};
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  return {path.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

void capture(const CallSite& site, Stack& stack) noexcept {
  Pieces pieces;
  if (has_tables_for(site)) {
    stack.depth = walk_by_tables(site, stack.frames, {Pieces::read_word, &pieces, true});
    return;
  }
  stack.depth = walk(site, stack.frames, [&](std::uintptr_t at, Frame& frame) {
    if (!pieces.read(at, frame)) return false;
    const bool is_first = !site.is_interrupted && at == address_of(site.frame);
    return is_first || place_of_code(frame.return_address).path != nullptr;
  });
}

std::size_t capture_own(const CallSite& site, std::span<const void*> into) noexcept {
  if (has_tables_for(site)) return capture_own_by_tables(site, into);
  const std::uintptr_t end = end_of_own_stack(address_of(site.frame));
  if (end == 0) {
    Pieces pieces;
    return walk(site, into, [&](std::uintptr_t from, Frame& frame) { return pieces.read(from, frame); });
  }
  return walk(site, into, [=](std::uintptr_t from, Frame& frame) {
    if (from + sizeof frame > end) return false;
    frame = frame_at(from);
    return true;
  });
}

int own_thread_id() noexcept {
  if (own_id == 0) [[unlikely]]
    own_id = os::thread_id();
  return own_id;
}

void forget_own_thread_id() noexcept { own_id = 0; }

void tell_own_stack(std::uintptr_t begin, std::uintptr_t end) noexcept { told = {begin, end}; }

}  // namespace trestle
