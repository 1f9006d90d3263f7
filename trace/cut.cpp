#include "trace/cut.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <unordered_map>

#include "trace/refusal.hpp"
#include "trace/resolve.hpp"

namespace trestle::trace {
namespace {

// As fuzz/ops has them: what a program can say.
constexpr std::size_t kProgramSlots = 64;
constexpr std::uint32_t kProgramThreads = 4;
constexpr std::array<std::uint64_t, 9> kAlignments{16, 32, 64, 128, 256, 512, 1024, 4096, 65536};
constexpr std::uint64_t kLargestRequest = UINT32_MAX;

const char* kind_of(Call call) {
  if (call == Call::new_one || call == Call::new_aligned) return "new";
  return call == Call::new_array || call == Call::new_array_aligned ? "new[]" : "malloc";
}

bool is_sized_end(const Op& op) { return shape_of(op.call).size && !shape_of(op.call).two_events(); }

// The op of a call that begins a block; nothing where no program can say it.
std::optional<std::string> allocation(const Op& op, std::size_t slot) {
  const auto alignment = std::ranges::lower_bound(kAlignments, op.alignment);
  if (alignment == kAlignments.end() || op.size > kLargestRequest) return std::nullopt;
  const std::string where = " slot=" + std::to_string(slot) + " size=" + std::to_string(op.size);
  if (op.call == Call::calloc) return "allocate_zeroed" + where + " kind=malloc\n";
  return "allocate" + where + " alignment=" + std::to_string(*alignment) + " kind=" + kind_of(op.call) + "\n";
}

class Cutter {
 public:
  // What the block of a slot of the trace was begun with, and its size since.
  void remember(const Op& op) {
    if (op.effect == Effect::begin) older_[op.slot] = op;
    if (op.effect == Effect::resize) older_[op.slot].size = op.size;
    if (op.effect == Effect::end) older_.erase(op.slot);
  }

  Cut cut(const std::vector<Op>& stretch) {
    allocate_older(stretch);
    for (const Op& op : stretch) {
      const std::optional<std::string> text = text_of(op);
      ++(text ? cut_.calls : cut_.left_out);
      if (!text) continue;
      run_on(op.thread % kProgramThreads);
      cut_.text += *text;
    }
    return std::move(cut_);
  }

 private:
  void allocate_older(const std::vector<Op>& stretch) {
    for (const Op& op : stretch) {
      const auto found = op.effect == Effect::begin || op.effect == Effect::fail ? older_.end() : older_.find(op.slot);
      if (found == older_.end()) continue;
      const std::optional<std::size_t> slot = slot_of_.size() < kProgramSlots / 2 ? free_slot() : std::nullopt;
      const auto text = slot ? allocation(found->second, *slot) : std::nullopt;
      if (text) {
        place(op.slot, *slot);
        cut_.text += *text;
      }
      older_.erase(found);
    }
  }

  std::optional<std::string> text_of(const Op& op) {
    if (op.effect == Effect::fail) return std::nullopt;
    if (op.effect == Effect::begin) {
      const std::optional<std::size_t> slot = free_slot();
      const auto text = slot ? allocation(op, *slot) : std::nullopt;
      if (text) place(op.slot, *slot);
      return text;
    }
    const auto found = slot_of_.find(op.slot);
    if (found == slot_of_.end() || (op.effect == Effect::resize && op.size > kLargestRequest)) return std::nullopt;
    const std::string where = " slot=" + std::to_string(found->second);
    if (op.effect == Effect::resize) return "reallocate" + where + " size=" + std::to_string(op.size) + "\n";
    is_used_[found->second] = false;
    slot_of_.erase(found);
    return (is_sized_end(op) ? "sized_free" : "free") + where + "\n";
  }

  void run_on(std::uint32_t thread) {
    if (thread != thread_) cut_.text += "run_on thread=" + std::to_string(thread) + "\n";
    thread_ = thread;
  }

  std::optional<std::size_t> free_slot() const {
    const auto found = std::ranges::find(is_used_, false);
    if (found == is_used_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - is_used_.begin());
  }
  void place(std::uint32_t slot, std::size_t at) {
    is_used_[at] = true;
    slot_of_[slot] = at;
  }

  std::unordered_map<std::uint32_t, Op> older_;
  std::unordered_map<std::uint32_t, std::size_t> slot_of_;  // of the trace's slots, those that the program has
  std::array<bool, kProgramSlots> is_used_{};
  std::uint32_t thread_ = 0;
  Cut cut_;
};

}  // namespace

Cut cut(Reader& reader, std::uint64_t from, std::uint64_t count) {
  reader.rewind();
  Resolver resolver(reader);
  Cutter cutter;
  std::vector<Op> stretch;
  for (Op op; stretch.size() < count && resolver.next(op);) {
    refuse_what_no_heap_does(reader.path(), op);
    if (op.index < from) {
      cutter.remember(op);
    } else {
      stretch.push_back(op);
    }
  }
  Cut cut = cutter.cut(stretch);
  cut.text = "# " + reader.path() + ": " + std::to_string(stretch.size()) + " calls from call " + std::to_string(from) +
             "\nstage policy=hardened slot_limit=65536\n" + cut.text;
  return cut;
}

}  // namespace trestle::trace
