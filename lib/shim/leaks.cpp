#include "shim/leaks.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <span>

#include "leak/roots.hpp"
#include "os/undisturbed.hpp"
#include "report/text.hpp"
#include "shim/process_heap.hpp"

namespace trestle {
namespace {

// In a mapping of their own, since the heap is locked while they are found.
class Groups {
 public:
  constexpr Groups() noexcept = default;
  ~Groups() {
    if (all_ != nullptr) LinuxOs().release(reinterpret_cast<std::byte*>(all_), bytes_);
  }
  Groups(const Groups&) = delete;
  Groups& operator=(const Groups&) = delete;

  [[nodiscard]] bool make_room(std::size_t most) noexcept {
    LinuxOs os;
    bytes_ = align_up(std::max<std::size_t>(most, 1) * sizeof(LeakGroup), kOsPage);
    std::byte* const memory = os.reserve(bytes_, kOsPage);
    all_ = reinterpret_cast<LeakGroup*>(memory);
    return memory != nullptr && os.commit(memory, bytes_);
  }
  void add(const LeakGroup& group) noexcept { new (&all_[count_++]) LeakGroup(group); }
  [[nodiscard]] std::span<LeakGroup> all() const noexcept { return {all_, count_}; }
  // Those of one place become one, and the most bytes come first.
  void join() noexcept;

 private:
  LeakGroup* all_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
};

bool is_same_place(const LeakGroup& a, const LeakGroup& b) noexcept {
  return a.trace == b.trace && (a.trace != nullptr || a.size == b.size);
}

void Groups::join() noexcept {
  std::sort(all_, all_ + count_, [](const LeakGroup& a, const LeakGroup& b) {
    if (a.trace != b.trace) return a.trace < b.trace;
    if (a.trace == nullptr && a.size != b.size) return a.size < b.size;
    return a.first < b.first;
  });
  std::size_t kept = 0;
  for (const LeakGroup& next : all()) {
    if (kept == 0 || !is_same_place(all_[kept - 1], next))
      all_[kept++] = next;
    else
      all_[kept - 1].leaked += next.leaked;
  }
  count_ = kept;
  std::sort(all_, all_ + count_, [](const LeakGroup& a, const LeakGroup& b) {
    const std::size_t of_a = a.leaked.all_bytes();
    const std::size_t of_b = b.leaked.all_bytes();
    return of_a != of_b ? of_a > of_b : a.first < b.first;
  });
}

// The heap's locks, for as long as the others are stopped: whoever is inside leaves before.
class HeapKept {
 public:
  HeapKept() noexcept TRESTLE_NO_THREAD_SAFETY_ANALYSIS { process_heap().lock_all(); }
  ~HeapKept() TRESTLE_NO_THREAD_SAFETY_ANALYSIS { process_heap().unlock_all(); }
  HeapKept(const HeapKept&) = delete;
  HeapKept& operator=(const HeapKept&) = delete;
};

// False: the heap is damaged, and they are not all there.
template <class Visit>
[[nodiscard]] bool for_each_live(Visit visit) noexcept {
  return process_heap().walk({[](const BlockView& view, void* context) {
                                if (view.state == BlockState::live) (*static_cast<Visit*>(context))(view);
                                return true;
                              },
                              &visit});
}

LeakSearch find_blocks(Reach& reach) noexcept {
  std::size_t live = 0;
  // Behind a damaged header a walk finds no more blocks, which the heap has counted.
  const bool walked = for_each_live([&](const BlockView&) { ++live; });
  if (!walked || live != process_heap().stats().live_blocks) return LeakSearch::damaged;
  if (!reach.make_room(live)) return LeakSearch::no_memory;
  // Whose pad is damaged nobody knows the request of.
  const bool all = for_each_live(
      [&](const BlockView& view) { reach.add(view.payload, view.requested != 0 ? view.requested : view.served); });
  reach.begin();
  return all ? LeakSearch::done : LeakSearch::damaged;
}

// What is no root: the heap's own memory and the search's. The histories' is read, but holds no address of a block.
class OwnRanges {
 public:
  OwnRanges(const Reach& reach, const os::StoppedThreads& others) noexcept {
    process_heap().for_each_mapping([this](const void* from, const void* to) { add(from, to); });
    for (const std::span<const std::byte> memory : {reach.memory(), others.memory()})
      add(memory.data(), memory.data() + memory.size());
    std::sort(ranges_.begin(), ranges_.begin() + count_,
              [](const auto& a, const auto& b) { return a.begin < b.begin; });
  }
  [[nodiscard]] std::span<const AddressRange> all() const noexcept { return std::span(ranges_).first(count_); }

 private:
  static constexpr std::size_t kMost = 128;  // more than a heap has mappings

  void add(const void* from, const void* to) noexcept {
    if (from != to && count_ < kMost) ranges_[count_++] = {address_of(from), address_of(to)};
  }

  std::array<AddressRange, kMost> ranges_{};
  std::size_t count_ = 0;
};

void add_leader(const Reach::Leader& leader, void* context) noexcept {
  static_cast<Groups*>(context)->add(
      {nullptr, leader.bytes, leader.at, {1, leader.bytes, leader.followers, leader.follower_bytes}});
}

// From the first lock to the last nothing of the program runs.
LeakSearch search(const os::Caller& caller, Groups& groups) noexcept {
  const os::Undisturbed undisturbed;
  const std::size_t stack_bytes = default_stack_bytes();
  const HeapKept kept;
  Reach reach;
  if (const LeakSearch found = find_blocks(reach); found != LeakSearch::done) return found;
  os::StoppedThreads others;
  const auto answer = others.stop();
  if (answer == os::StoppedThreads::Answer::no_memory) return LeakSearch::no_memory;
  if (answer != os::StoppedThreads::Answer::stopped) return LeakSearch::not_stopped;
  const OwnRanges own(reach, others);
  if (!mark_from_roots(reach, own.all(), others, caller, stack_bytes)) return LeakSearch::not_read;
  if (!groups.make_room(reach.unreached())) return LeakSearch::no_memory;
  reach.for_each_leader(add_leader, &groups);
  return others.stand() ? LeakSearch::done : LeakSearch::not_stopped;
}

}  // namespace

LeakSearch find_leaks(const os::Caller& caller, void (*use)(std::span<const LeakGroup> groups, void* context),
                      void* context) noexcept {
  if (!is_up() || process_heap().is_entered_by_caller()) return LeakSearch::not_now;
  Groups groups;
  if (const LeakSearch found = search(caller, groups); found != LeakSearch::done) return found;
  for (LeakGroup& group : groups.all()) group.trace = history_of(group.first).allocated.trace;
  groups.join();
  use(groups.all(), context);
  return LeakSearch::done;
}

namespace {

struct Told {
  const Call& call;
  std::size_t places = 0;  // that nobody suppressed
  std::size_t shown = 0;
  std::size_t suppressed = 0;
  Leaked all{};
};

std::string_view reason(LeakSearch searched) noexcept {
  switch (searched) {
    case LeakSearch::no_memory:
      return "memory is short";
    case LeakSearch::not_stopped:
      return "the threads cannot be stopped";
    case LeakSearch::not_read:
      return "the memory cannot be read";
    case LeakSearch::damaged:
      return "the heap is damaged";
    default:
      return "the heap is in use";
  }
}

void print(const LeakGroup& group, const Call& call) noexcept {
  Fault fault = process_heap().explain({FaultKind::leak, group.first}, group.first);
  fault.expected = fault.found = 0;
  fault.requested = group.size;
  tell(fault, call, Severity::warning, group.leaked);
}

void tell_unless_suppressed(std::span<const LeakGroup> groups, Told& told) noexcept {
  constexpr std::size_t kShown = 20;
  constexpr std::size_t kAtOnce = 64;
  std::array<const Trace*, kAtOnce> traces{};
  std::array<bool, kAtOnce> suppressed{};
  for (std::size_t first = 0; first < groups.size(); first += kAtOnce) {
    const std::span<const LeakGroup> next = groups.subspan(first, std::min(kAtOnce, groups.size() - first));
    for (std::size_t i = 0; i < next.size(); ++i) traces[i] = next[i].trace;
    find_suppressed(std::span(traces).first(next.size()), std::span(suppressed).first(next.size()));
    for (std::size_t i = 0; i < next.size(); ++i) {
      told.suppressed += suppressed[i] ? 1 : 0;
      if (suppressed[i]) continue;
      ++told.places;
      told.all += next[i].leaked;
      if (told.shown < kShown) print(next[i], told.call);
      told.shown = std::min(told.places, kShown);
    }
  }
}

}  // namespace

bool report_leaks(const os::Caller& caller, const Call& call, Leaked& all) noexcept {
  Told told{call};
  const auto tell_all = [](std::span<const LeakGroup> groups, void* context) {
    tell_unless_suppressed(groups, *static_cast<Told*>(context));
  };
  if (const LeakSearch searched = find_leaks(caller, tell_all, &told); searched != LeakSearch::done) {
    print_line("leaks were not looked for: ", reason(searched));
    return false;
  }
  all = told.all;
  if (told.places + told.suppressed == 0) return true;
  Text<200> line;
  line.add("leaks: ").add(std::uint64_t{all.all_blocks()}).add(all.all_blocks() == 1 ? " block, " : " blocks, ");
  line.add(std::uint64_t{all.all_bytes()}).add(" bytes, from ").add(std::uint64_t{told.places});
  line.add(told.places == 1 ? " place" : " places");
  if (told.places > told.shown) line.add(", of which the ").add(std::uint64_t{told.shown}).add(" largest are reported");
  if (told.suppressed != 0) line.add("; suppressed: ").add(std::uint64_t{told.suppressed});
  print_line(line.view());
  return true;
}

}  // namespace trestle
