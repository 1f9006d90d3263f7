// From addresses to slots: which block each call is about. A slot is used again when its block has ended, by the thread that
// used it before, so that what a thread does depends on another one only where a block passes between them.
#pragma once

#include <unordered_map>

#include "trace/reader.hpp"

namespace trestle::trace {

// What a call did.
enum class Effect : std::uint8_t {
  begin,   // a block, in `slot`
  resize,  // the block in `slot`: it has `size` now
  end,     // the block in `slot`
  fail,    // nothing: there was no memory, or the request was none that could be served
  stray,   // it was given a block that the trace does not hold
  twice,   // it returned an address at which a block lives
};

inline constexpr std::uint32_t kNoSlot = UINT32_MAX;

struct Op {
  std::uint64_t index = 0;  // in the trace, from 0
  Effect effect{};
  Call call{};
  std::uint32_t thread = 0;
  std::uint32_t slot = kNoSlot;
  std::uint64_t size = 0;
  std::uint64_t alignment = 0;  // 0: the usual one
  std::uint64_t old_size = 0;   // of the block that ended, or was resized
  std::uint64_t site = 0;
};

class Resolver {
 public:
  explicit Resolver(Reader& reader) : reader_(reader), pending_(reader.threads()), free_(reader.threads()) {}

  // The next call in the order in which they were over. False: there is none. Throws Error.
  [[nodiscard]] bool next(Op& op);

  // So far.
  [[nodiscard]] std::uint32_t slots() const { return static_cast<std::uint32_t>(blocks_.size()); }
  [[nodiscard]] std::uint64_t live_bytes() const { return live_bytes_; }
  [[nodiscard]] std::uint64_t peak_bytes() const { return peak_bytes_; }
  [[nodiscard]] std::uint64_t live_blocks() const { return slot_at_.size(); }

 private:
  struct Block {
    std::uint64_t size;
    std::uint32_t home;  // the thread that uses the slot
  };

  void begin(const Record& record, Op& op);
  void end(const Record& record, Op& op);
  void resize(const Record& record, Op& op);
  [[nodiscard]] std::uint32_t take_slot(std::uint32_t thread);
  [[nodiscard]] std::uint32_t taken_from(std::uint64_t address);
  void release(std::uint32_t slot);
  void set_size(std::uint32_t slot, std::uint64_t size);

  Reader& reader_;
  std::uint64_t calls_ = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> slot_at_;
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> pending_;            // of each thread: the slot that is between a call's two events
  std::vector<std::vector<std::uint32_t>> free_;  // of each thread
  std::uint64_t live_bytes_ = 0;
  std::uint64_t peak_bytes_ = 0;
};

}  // namespace trestle::trace
