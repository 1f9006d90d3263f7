#include "shim/marked_heap.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/marks.hpp"
#include "leak/roots.hpp"
#include "os/mapped.hpp"
#include "os/undisturbed.hpp"
#include "shim/process_heap.hpp"

namespace trestle {
namespace {

// The heap's locks, for as long as the others are stopped: whoever is inside leaves before.
class HeapKept {
 public:
  HeapKept() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS { process_heap().lock_all(); }
  ~HeapKept() TRESTLE_NO_THREAD_SAFETY_ANALYSIS { process_heap().unlock_all(); }
  HeapKept(const HeapKept&) = delete;
  HeapKept& operator=(const HeapKept&) = delete;
};

// Those that are live, and if asked for those that wait after their release. False: the heap is damaged, and they are not
// all there.
template <class Visit>
[[nodiscard]] bool for_each_block(bool with_retired, Visit visit) noexcept {
  const auto visit_wanted = [&](const BlockView& view) {
    if (view.state == BlockState::live || (with_retired && view.state == BlockState::retired)) visit(view);
  };
  return process_heap().walk({[](const BlockView& view, void* context) {
                                (*static_cast<decltype(visit_wanted)*>(context))(view);
                                return true;
                              },
                              const_cast<void*>(static_cast<const void*>(&visit_wanted))});
}

Marked find_blocks(Reach& reach, bool with_retired) noexcept {
  std::size_t live = 0;
  std::size_t all = 0;
  const bool walked = for_each_block(with_retired, [&](const BlockView& view) {
    ++all;
    live += view.state == BlockState::live ? 1 : 0;
  });
  // Behind a damaged header a walk finds no more blocks, which the heap has counted.
  if (!walked || live != process_heap().stats().live_blocks) return Marked::damaged;
  if (!reach.make_room(all)) return Marked::no_memory;
  // Whose pad is damaged nobody knows the request of. What a freed block holds leads nowhere.
  const bool added = for_each_block(with_retired, [&](const BlockView& view) {
    reach.add(view.payload, view.requested != 0 ? view.requested : view.served, view.state == BlockState::live);
  });
  reach.begin();
  return added ? Marked::done : Marked::damaged;
}

// What is no root: the heap's own memory and the search's. The histories' and their stacks' is read, but holds no address as it
// is.
class OwnRanges {
 public:
  void add(const void* from, const void* to) noexcept {
    if (from != to && count_ < kMost) ranges_[count_++] = {address_of(from), address_of(to)};
  }
  void add(std::span<const std::byte> memory) noexcept { add(memory.data(), memory.data() + memory.size()); }
  [[nodiscard]] std::span<const AddressRange> sorted() noexcept {
    const std::span<AddressRange> all = std::span(ranges_).first(count_);
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
    return all;
  }

 private:
  static constexpr std::size_t kMost = 128;  // more than a heap has mappings

  std::array<AddressRange, kMost> ranges_;
  std::size_t count_;
};

// What is too long for a stack.
struct Room {
  RootsRoom roots;
  OwnRanges own;
};

}  // namespace

// From the first lock to the last nothing of the program is in the heap.
Marked mark_heap(const os::Caller& caller, const MarkUse& how) noexcept {
  // Which has threads of its own, memory of its own in our mappings, and a search for leaks.
  if (is_under_valgrind()) return Marked::under_valgrind;
  // Who keeps the heap for a fork would let go of it.
  if (!is_up() || process_heap().is_entered_by_caller() || process_heap().is_kept_by_caller()) return Marked::not_now;
  const os::Undisturbed undisturbed;
  const std::size_t stack_bytes = how.stack_bytes != 0 ? how.stack_bytes : default_stack_bytes();
  const HeapKept kept;
  const os::Mapped<Room> room;
  Reach reach;
  if (room.get() == nullptr) return Marked::no_memory;
  if (const Marked found = find_blocks(reach, how.with_retired); found != Marked::done) return found;
  os::StoppedThreads others;
  const auto answer = others.stop(how.patience_ns);
  if (answer == os::StoppedThreads::Answer::no_memory) return Marked::no_memory;
  if (answer == os::StoppedThreads::Answer::late) return Marked::late;
  if (answer != os::StoppedThreads::Answer::stopped) return Marked::not_stopped;
  OwnRanges& own = room.get()->own;
  process_heap().for_each_mapping([&](const void* from, const void* to) { own.add(from, to); });
  for (const std::span<const std::byte> memory : {reach.memory(), others.memory(), room.memory()}) own.add(memory);
  if (!mark_from_roots(reach, own.sorted(), others, caller, stack_bytes, room.get()->roots)) return Marked::not_read;
  if (how.with_retired) reach.mark_followed();
  return how.use(reach, others, how.context);
}

std::string_view reason(Marked marked) noexcept {
  switch (marked) {
    case Marked::no_memory:
      return "memory is short";
    case Marked::late:
      return "a thread does not stop";
    case Marked::not_stopped:
      return "the threads cannot be stopped";
    case Marked::not_read:
      return "the memory cannot be read";
    case Marked::damaged:
      return "the heap is damaged";
    case Marked::under_valgrind:
      return "the process runs under Valgrind";
    default:
      return "the heap is in use";
  }
}

}  // namespace trestle
