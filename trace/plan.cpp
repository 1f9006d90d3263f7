#include "trace/plan.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <functional>
#include <span>
#include <utility>

#include "trace/refusal.hpp"
#include "trace/resolve.hpp"

namespace trestle::trace {
namespace {

constexpr std::uint64_t kSamples = 200;      // about so many
constexpr std::uint64_t kBytesOfRecord = 7;  // about

using Visit = std::function<void(std::uint32_t thread, const Step& step)>;

bool has_legal_alignment(const Op& op) { return op.alignment == 0 || std::has_single_bit(op.alignment); }

Step step_of(const Op& op) {
  Step step{.kind = static_cast<std::uint64_t>(op.call) & 0x1f, .slot = op.slot};
  const bool ended = op.effect == Effect::end;
  step.size = std::min(ended ? op.old_size : op.size, kLargestSize) & kLargestSize;
  if (op.alignment > 1) step.shift = static_cast<std::uint64_t>(std::countr_zero(op.alignment)) & 0x3f;
  step.fails = op.effect == Effect::fail;
  if (step.fails != 0) step.slot = kNoSlot;  // the block that was not resized waits for nothing
  step.ends = ended;
  step.begins = op.effect == Effect::begin;
  return step;
}

// The steps of a trace in its order. A thread starts behind the call that came before its first one.
class Steps {
 public:
  explicit Steps(Reader& reader)
      : resolver_(reader), started_(reader.threads()), every_(reader.bytes() / kBytesOfRecord / kSamples + 1) {
    reader.rewind();
  }

  void visit_all(const std::string& path, const Visit& visit) {
    Op op;
    for (std::uint32_t before = 0; resolver_.next(op); before = op.thread) {
      refuse_what_no_heap_does(path, op);
      if (!has_legal_alignment(op)) {
        ++left_out_;
        continue;
      }
      if (!started_[op.thread]) {
        started_[op.thread] = true;
        if (calls_ == 0) first_ = op.thread;
        if (calls_ != 0) visit(before, {.kind = static_cast<std::uint64_t>(StepKind::start), .slot = op.thread});
      }
      if (calls_++ % every_ == 0)
        visit(
            op.thread,
            {.size = calls_ & kLargestSize, .kind = static_cast<std::uint64_t>(StepKind::sample), .slot = samples_++});
      visit(op.thread, step_of(op));
    }
  }

  [[nodiscard]] PlanSummary summary() const {
    const auto threads = static_cast<std::uint32_t>(started_.size());
    return {{threads, resolver_.slots(), samples_, first_, calls_}, resolver_.peak_bytes(), left_out_};
  }

 private:
  Resolver resolver_;
  std::vector<bool> started_;
  std::uint64_t every_;
  std::uint64_t calls_ = 0;
  std::uint64_t left_out_ = 0;
  std::uint32_t samples_ = 0;
  std::uint32_t first_ = 0;
};

// A file of that length, mapped.
class Mapped {
 public:
  Mapped(const std::string& path, std::size_t bytes) : bytes_(bytes) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int error = file < 0 ? errno : posix_fallocate(file, 0, static_cast<off_t>(bytes));
    at_ = error == 0 ? mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
    if (error == 0) error = errno;
    if (file >= 0) close(file);
    if (at_ == MAP_FAILED)
      throw Error(path + ": no room for a plan of " + std::to_string(bytes) + " bytes: " + std::strerror(error));
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  ~Mapped() { munmap(at_, bytes_); }

  template <class T>
  [[nodiscard]] std::span<T> at(std::size_t offset, std::size_t count) const {
    return {reinterpret_cast<T*>(static_cast<char*>(at_) + offset), count};
  }

 private:
  std::size_t bytes_;
  void* at_;
};

// Puts the steps into their streams, and says which of them wait for one another.
class Filling {
 public:
  Filling(std::span<Step> steps, std::vector<Stream> streams, std::uint32_t slots)
      : steps_(steps), streams_(std::move(streams)), slots_(slots) {
    for (const Stream& stream : streams_) next_.push_back(stream.first_step);
  }

  void put(std::uint32_t thread, Step step) {
    const std::uint64_t at = next_[thread]++;
    if (step.kind < kCalls && step.slot != kNoSlot) {
      Slot& slot = slots_[step.slot];
      step.turn = slot.turns++;
      step.waits = step.turn != 0 && slot.thread != thread;
      if (step.waits != 0) steps_[slot.last_step].is_awaited = 1;
      slot.thread = thread;
      slot.last_step = at;
    }
    steps_[at] = step;
  }

 private:
  struct Slot {
    std::uint64_t last_step = 0;
    std::uint32_t thread = 0;
    std::uint32_t turns = 0;
  };
  std::span<Step> steps_;
  std::vector<Stream> streams_;
  std::vector<std::uint64_t> next_;
  std::vector<Slot> slots_;
};

}  // namespace

PlanSummary write_plan(Reader& reader, const std::string& path) {
  std::vector<Stream> streams(reader.threads());
  Steps counted(reader);
  counted.visit_all(reader.path(), [&](std::uint32_t thread, const Step&) { ++streams[thread].steps; });
  const PlanSummary summary = counted.summary();
  std::uint64_t all = 0;
  for (Stream& stream : streams) stream.first_step = std::exchange(all, all + stream.steps);
  const std::size_t head = sizeof(PlanHeader) + streams.size() * sizeof(Stream);
  const Mapped file(path, head + all * sizeof(Step));
  file.at<PlanHeader>(0, 1)[0] = summary.header;
  std::ranges::copy(streams, file.at<Stream>(sizeof(PlanHeader), streams.size()).begin());
  Filling filling(file.at<Step>(head, all), streams, summary.header.slots);
  Steps(reader).visit_all(reader.path(), [&](std::uint32_t thread, const Step& step) { filling.put(thread, step); });
  return summary;
}

}  // namespace trestle::trace
