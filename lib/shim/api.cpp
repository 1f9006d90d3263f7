// trestle.h: the prefixed C interface.
#include <trestle/trestle.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <span>

#include "base/marks.hpp"
#include "os/undisturbed.hpp"
#include "report/text.hpp"
#include "shim/aftermath.hpp"
#include "shim/family.hpp"
#include "shim/leaks.hpp"
#include "shim/sweep.hpp"

using namespace trestle;

namespace {

struct PublicWalk {
  trestle_visitor visitor;
  void* context;
  int last;
};

bool visit_publicly(const BlockView& view, void* context) {
  auto& walk = *static_cast<PublicWalk*>(context);
  const trestle_block block{const_cast<std::byte*>(view.payload),
                            process_heap().offset_of(view.payload),
                            view.requested,
                            view.served,
                            static_cast<trestle_block_state>(view.state),
                            static_cast<trestle_block_kind>(view.kind)};
  const ProgramAccesses of_visitor;
  walk.last = walk.visitor(&block, walk.context);
  return walk.last == 0;
}

}  // namespace

extern "C" {

const char* trestle_fault_name(trestle_fault_kind kind) noexcept {
  return traits_of(static_cast<FaultKind>(kind)).name;
}

void* trestle_malloc(size_t size) noexcept {
  return serve(size, kMinAlignment, Kind::by_malloc, TRESTLE_CALL("trestle_malloc", nullptr));
}
void* trestle_calloc(size_t count, size_t size) noexcept {
  return serve_zeroed(count, size, TRESTLE_CALL("trestle_calloc", nullptr));
}
void* trestle_realloc(void* block, size_t size) noexcept {
  return serve_again(block, size, TRESTLE_CALL("trestle_realloc", block));
}
void* trestle_reallocarray(void* block, size_t count, size_t size) noexcept {
  return edge_reallocarray(block, count, size, TRESTLE_CALL("trestle_reallocarray", block));
}
void trestle_free(void* block) noexcept {
  take_back(block, {.kind = Kind::by_malloc}, TRESTLE_CALL("trestle_free", block));
}
void trestle_free_sized(void* block, size_t size) noexcept {
  take_back(block, {Kind::by_malloc, size, 0}, TRESTLE_CALL("trestle_free_sized", block));
}
void trestle_free_aligned_sized(void* block, size_t alignment, size_t size) noexcept {
  take_back(block, {Kind::by_malloc, size, alignment}, TRESTLE_CALL("trestle_free_aligned_sized", block));
}
void* trestle_aligned_alloc(size_t alignment, size_t size) noexcept {
  return edge_aligned_alloc(alignment, size, TRESTLE_CALL("trestle_aligned_alloc", nullptr));
}
int trestle_posix_memalign(void** block, size_t alignment, size_t size) noexcept {
  return edge_posix_memalign(block, alignment, size, TRESTLE_CALL("trestle_posix_memalign", nullptr));
}
void* trestle_memalign(size_t alignment, size_t size) noexcept {
  return edge_memalign(alignment, size, TRESTLE_CALL("trestle_memalign", nullptr));
}
void* trestle_valloc(size_t size) noexcept { return edge_valloc(size, TRESTLE_CALL("trestle_valloc", nullptr)); }
void* trestle_pvalloc(size_t size) noexcept { return edge_pvalloc(size, TRESTLE_CALL("trestle_pvalloc", nullptr)); }
size_t trestle_malloc_usable_size(const void* block) noexcept {
  return size_of(block, TRESTLE_CALL("trestle_malloc_usable_size", block));
}
int trestle_malloc_trim(size_t keep) noexcept {
  const OwnAccesses own;
  const os::Undisturbed undisturbed;  // it looks through the caller's own cache
  return is_up() && process_heap().trim(keep) ? 1 : 0;
}

size_t trestle_heap_check(trestle_fault* faults, size_t capacity) noexcept {
  std::span<trestle_fault> room(faults, capacity);
  const auto put = [](const Fault& fault, std::size_t index, void* to) {
    const auto& out = *static_cast<const std::span<trestle_fault>*>(to);
    if (index < out.size()) out[index] = publish(completed(fault), process_heap().offset_of(fault.address));
  };
  FaultSink sink(put, &room);
  check_process_heap(sink);
  return sink.count();
}

size_t trestle_leak_check(trestle_leak* leaks, size_t capacity) noexcept {
  const os::Caller caller = os::Caller::here();
  struct Out {
    std::span<trestle_leak> room;
    std::size_t count = 0;
  } out{{leaks, capacity}};
  std::fill(out.room.begin(), out.room.end(),
            trestle_leak{});  // it may hold addresses of blocks, from an earlier search
  const auto take = [](std::span<const LeakGroup> groups, void* context) {
    auto& to = *static_cast<Out*>(context);
    to.count = groups.size();
    for (std::size_t i = 0; i < std::min(groups.size(), to.room.size()); ++i) {
      const Leaked& leaked = groups[i].leaked;
      to.room[i] = {groups[i].first, leaked.blocks, leaked.bytes, leaked.indirect_blocks, leaked.indirect_bytes};
    }
  };
  return find_leaks(caller, take, &out) == Marked::done ? out.count : SIZE_MAX;
}

size_t trestle_collect(void) noexcept {
  const os::Caller caller = os::Caller::here();
  std::uint64_t swept = 0;
  return sweep(caller, TRESTLE_CALL("trestle_collect", nullptr), swept) == Marked::done ? swept : SIZE_MAX;
}

int trestle_walk(trestle_visitor visitor, void* context) noexcept {
  const OwnAccesses own;
  if (!is_up() || process_heap().is_entered_by_caller()) return 0;
  const os::Undisturbed
      undisturbed;  // the heap is locked: no signal's handler may call it, nor the visitor end the thread
  PublicWalk walk{visitor, context, 0};
  process_heap().walk({visit_publicly, &walk});
  return walk.last;
}

void trestle_get_stats(trestle_stats* stats) noexcept { *stats = process_stats(); }

size_t trestle_stats_json(char* buffer, size_t capacity) noexcept {
  const trestle_stats all = process_stats();
  Text<1024> text;
  text.add("{\"policy\":\"").add(kPolicy.name).add("\"");
  const auto field = [&](std::string_view name, std::uint64_t value) {
    text.add(",\"").add(name).add("\":").add(value);
  };
  field("allocations", all.allocations);
  field("deallocations", all.deallocations);
  field("live_blocks", all.live_blocks);
  field("live_bytes", all.live_bytes);
  field("peak_live_bytes", all.peak_live_bytes);
  field("retired_blocks", all.retired_blocks);
  field("retired_bytes", all.retired_bytes);
  field("free_block_bytes", all.free_block_bytes);
  field("span_bytes", all.span_bytes);
  field("free_span_bytes", all.free_span_bytes);
  field("dirty_span_bytes", all.dirty_span_bytes);
  field("committed_bytes", all.committed_bytes);
  field("reserved_bytes", all.reserved_bytes);
  field("purges", all.purges);
  field("checks", all.checks);
  field("check_nanoseconds", all.check_nanoseconds);
  field("faults", all.faults);
  text.add("}");
  text.copy_to({buffer, capacity});
  return text.view().size();
}

trestle_fault_handler trestle_set_fault_handler(trestle_fault_handler handler) noexcept {
  return set_fault_handler(handler);
}
const char* trestle_policy_name(void) noexcept { return kPolicy.name; }
const char* trestle_version(void) noexcept { return TRESTLE_VERSION; }

void trestle_heap_check_or_abort(const char* file, int line) noexcept {
  const Findings found = check_process_heap();
  if (found.count == 0) return;
  Text<256> where;
  where.add("TRESTLE_HEAP_CHECK at ")
      .add(file)
      .add(":")
      .add(static_cast<std::uint64_t>(line))
      .add(" found ")
      .add(found.count)
      .add(found.count == 1 ? " fault" : " faults");
  print_line(where.view());
  outlive(found, TRESTLE_CALL("TRESTLE_HEAP_CHECK", nullptr));
}

}  // extern "C"
