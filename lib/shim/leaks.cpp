#include "shim/leaks.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <span>

#include "report/text.hpp"
#include "shim/marked_heap.hpp"
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

void add_leader(const Reach::Leader& leader, void* context) noexcept {
  static_cast<Groups*>(context)->add(
      {nullptr, leader.bytes, leader.at, {1, leader.bytes, leader.followers, leader.follower_bytes}});
}

Marked find_groups(Reach& reach, os::StoppedThreads& others, void* context) noexcept {
  auto& groups = *static_cast<Groups*>(context);
  if (!groups.make_room(reach.unreached())) return Marked::no_memory;
  reach.for_each_leader(add_leader, &groups);
  return others.stand() ? Marked::done : Marked::not_stopped;
}

}  // namespace

Marked find_leaks(const os::Caller& caller, void (*use)(std::span<const LeakGroup> groups, void* context),
                  void* context) noexcept {
  Groups groups;
  const MarkUse how{.with_retired = false,
                    .patience_ns = os::StoppedThreads::kPatienceNs,
                    .stack_bytes = 0,
                    .use = find_groups,
                    .context = &groups};
  if (const Marked marked = mark_heap(caller, how); marked != Marked::done) return marked;
  for (LeakGroup& group : groups.all()) group.trace = history_of(group.first).allocated.trace;
  groups.join();
  use(groups.all(), context);
  return Marked::done;
}

namespace {

struct Told {
  const Call& call;
  std::size_t places = 0;  // that nobody suppressed
  std::size_t shown = 0;
  std::size_t suppressed = 0;
  Leaked all{};
};

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
  if (const Marked marked = find_leaks(caller, tell_all, &told); marked != Marked::done) {
    print_line("leaks were not looked for: ", reason(marked));
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
