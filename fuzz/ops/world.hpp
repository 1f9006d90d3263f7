// A world: one fresh engine and the oracle that watches it while ops run. After every op the whole heap is checked, its
// walk is held against the model, and every live block's contents are verified.
//
// A Host owns the engine and answers for what no Engine can tell: where its memory lies, and when null is legal.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>

#include "base/arith.hpp"
#include "base/engine.hpp"
#include "ops/corrupt.hpp"
#include "ops/edge.hpp"
#include "ops/inspect.hpp"
#include "ops/misuse.hpp"
#include "ops/oracle.hpp"
#include "ops/program.hpp"

namespace trestle::ops {

// Every engine of the harness's has this secret, so that a program does the same each time.
inline constexpr std::uint64_t kSecret = 0x5EC2'E7F0'2A11'0155U;

// start: a fresh engine; false: the stage has no room for one, which is legal. engine: valid until relocate or stop.
// stop: releases all; names what the engine left behind, null: nothing.
// may_refuse: null is a legal answer to a request of that size and alignment, in that state of the model.
template <class H>
concept Host = Engine<typename H::EngineType> &&
               requires(H host, const Stage& stage, const Model& model, std::size_t size, Oracle& oracle) {
                 { host.start(stage, oracle) } -> std::same_as<bool>;
                 { host.engine() } -> std::same_as<typename H::EngineType&>;
                 { H::kFeatures } -> std::same_as<const Features&>;
                 { host.may_refuse(model, size, size) } -> std::same_as<bool>;
                 { host.first() } -> std::same_as<const std::byte*>;
                 { host.last() } -> std::same_as<const std::byte*>;
                 { host.wrong() } -> std::same_as<const char*>;
                 { host.stop() } -> std::same_as<const char*>;
               };
static_assert(!Host<int>);

// The bytes of a buffer, as its owner deals with them. size_step: what the heap's sizes are multiples of; least_growth: less is
// refused. relocate: how far the buffer moved; nothing: the heap was not recognised at its new place.
template <class H>
concept ResizableHost = Host<H> && requires(H host, std::size_t bytes) {
  { host.size() } -> std::same_as<std::size_t>;
  { host.smallest_size() } -> std::same_as<std::size_t>;
  { host.size_step() } -> std::same_as<std::size_t>;
  { host.least_growth() } -> std::same_as<std::size_t>;
  { host.grow(bytes) } -> std::same_as<bool>;
  { host.shrink(bytes) } -> std::same_as<bool>;
  { host.relocate(bytes) } -> std::same_as<std::optional<std::ptrdiff_t>>;
};

// A host that forks: all that the engine does before and after it, in the parent or in the child, which goes on then.
template <class H>
concept ForkingHost = requires(H host) { host.fork(); };

template <Host H>
class World {
  [[nodiscard]] static std::uint32_t slot_limit(const Stage& stage) noexcept {
    if constexpr (requires { H::kPolicy.largest_slot; })
      return static_cast<std::uint32_t>(std::min<std::size_t>(stage.slot_limit, H::kPolicy.largest_slot));
    else
      return stage.slot_limit;
  }

 public:
  World(H& host, const Stage& stage)
      : host_(host), oracle_(Model{H::kFeatures, stage.buffer_bytes, slot_limit(stage), stage.processors}) {}

  [[nodiscard]] Oracle& oracle() noexcept { return oracle_; }
  [[nodiscard]] const Model& model() const noexcept { return oracle_.model(); }

  void begin() {
    if constexpr (ResizableHost<H>) oracle_.model().resize_buffer(host_.size());
    judge_all();
  }
  // One op and all checks. An op that means nothing in this state is left out.
  void perform(const Op& op) {
    if constexpr (H::kFeatures.refusals) host_.begin_op();
    const bool performed = std::visit(
        [&](const auto& one) {
          if (!one.enabled(model())) return false;
          one.run(*this);
          return true;
        },
        op);
    if (performed && !oracle_.is_violated()) judge_all();
  }
  // What is left is freed, with a check after each.
  void finish() {
    while (!oracle_.is_violated() && !model().live().empty()) {
      free(Free{model().live()[0]});
      if (!oracle_.is_violated()) judge_all();
    }
  }

  void allocate(const Allocate& op) {
    const Allocation got = allocate_at_edge(host_.engine(), op.size, op.alignment, op.kind);
    if (!judge_answer(got, op.kName, op.size, op.alignment)) return;
    settle(op, static_cast<std::byte*>(got.payload), op.size, op.alignment);
  }

  void allocate_zeroed(const AllocateZeroed& op) {
    if constexpr (H::kFeatures.zeroed) {
      const Allocation got = allocate_zeroed_at_edge(host_.engine(), op.size, op.kind);
      if (!judge_answer(got, op.kName, op.size, kMinAlignment)) return;
      settle(op, static_cast<std::byte*>(got.payload), op.size, kMinAlignment, true);
    }
  }

  void reallocate(const Reallocate& op) {
    const LiveBlock old = model().at(op.slot);
    const Allocation got = host_.engine().reallocate(old.address, op.size);
    if (!judge_answer(got, op.kName, op.size, kMinAlignment)) return;  // the old block is verified with all the others
    auto* const address = static_cast<std::byte*>(got.payload);
    oracle_.judge_place(address, op.size, kMinAlignment, host_.first(), host_.last(), &model().at(op.slot));
    if (oracle_.is_violated()) return;
    oracle_.judge_moved(old, address, std::min(old.size, op.size));
    op.apply(oracle_.model());
    own(op.slot, address);
  }

  void free(const Free& op) { release(op.slot, {.kind = model().at(op.slot).kind}); }
  void free(const SizedFree& op) {
    const LiveBlock& block = model().at(op.slot);
    release(op.slot, {.kind = block.kind, .size = block.size, .alignment = block.alignment});
  }

  void trim(const Trim& op) {
    if constexpr (H::kFeatures.trim) std::ignore = host_.engine().trim(op.keep);
  }
  void wait(const Wait& op) {
    if constexpr (H::kFeatures.clock) host_.wait(op.milliseconds);
  }

  void run_on(const RunOn& op) {
    if constexpr (H::kFeatures.threads) host_.run_on(op.thread);
  }
  void end_thread(const EndThread&) {
    if constexpr (H::kFeatures.threads) host_.end_thread();
  }

  void set(const Set& op) {
    if constexpr (H::kFeatures.settings) {
      if (!host_.set(op.what, op.to))
        oracle_.violate(Expectation::settings_hold, "%s is not %zu", name_of(op.what), op.to);
    }
  }

  void grow(const Grow& op) {
    if constexpr (ResizableHost<H>) {
      const std::size_t before = host_.size();
      const bool grown = host_.grow(before + op.by);
      if (grown != (op.by >= host_.least_growth()) ||
          host_.size() != (grown ? align_down(before + op.by, host_.size_step()) : before))
        return oracle_.violate(Expectation::buffer_resizes, "grow %zu by %zu: %d, now %zu", before, op.by, grown,
                               host_.size());
      oracle_.model().resize_buffer(host_.size());
    }
  }
  void shrink(const Shrink& op) {
    if constexpr (ResizableHost<H>) {
      const std::size_t before = host_.size();
      const std::size_t wanted = (before - op.by) / kMinAlignment * kMinAlignment;
      const std::size_t smallest = host_.smallest_size();
      const std::size_t most = needed();
      const bool shrunk = host_.shrink(wanted);
      const std::size_t now = host_.size();
      const bool fits = shrunk ? now <= wanted && wanted - now < host_.least_growth() : now == before;
      if (shrunk != (wanted >= smallest) || !fits || smallest > most)
        return oracle_.violate(Expectation::buffer_resizes, "shrink %zu to %zu, smallest %zu: %d, now %zu", before,
                               wanted, smallest, shrunk, host_.size());
      oracle_.model().resize_buffer(host_.size());
      judge_live_below_end();
    }
  }
  void relocate(const Relocate& op) {
    if constexpr (ResizableHost<H>) {
      const std::optional<std::ptrdiff_t> distance = host_.relocate(op.skew);
      if (!distance)
        return oracle_.violate(Expectation::buffer_moves,
                               "attach refused the heap at its new place, or took too few bytes");
      oracle_.model().translate(*distance);
    }
  }

  void check(const Check&) {
    judge_check(CheckLevel::quick);
    for (const SlotId slot : model().live()) {
      const LiveBlock& block = model().at(slot);
      oracle_.judge_usable(block, host_.engine().usable_size(block.address));
    }
    judge_null();
    if constexpr (!H::kFeatures.opaque) judge_ended_walk();
    if constexpr (ForkingHost<H>) host_.fork();
    Inspector<H>(host_, oracle_).inspect();
    if constexpr (H::kFeatures.stats) oracle_.judge_stats(host_.engine().stats());
  }

  void misuse(const Misuse& op) {
    if constexpr (MisusableHost<H>) std::ignore = Misuser<H>(host_, oracle_).perform(op);
  }
  void corrupt(const Corrupt& op) {
    if constexpr (MisusableHost<H>) std::ignore = Corruptor<H>(host_, oracle_).perform(op);
  }

  void judge_all() {
    judge_check(CheckLevel::full);
    if constexpr (!H::kFeatures.opaque) judge_walk();
    oracle_.judge_all_contents();
    if (const char* const wrong = host_.wrong()) oracle_.violate(Expectation::os_contract_kept, "%s", wrong);
  }

 private:
  void judge_check(CheckLevel level) {
    Fault first;
    FaultSink sink(&first, 1);
    host_.engine().check(level, sink);
    oracle_.judge_soundness(first, sink.count());
  }
  // What a buffer must have at least, by the model: the heap's record, all up to the last live block, a remainder that is too
  // small to be a block, and a block.
  [[nodiscard]] std::size_t needed() {
    constexpr std::size_t kFrame = 96;
    const auto record = host_.size() - static_cast<std::size_t>(host_.last() - host_.first());
    const std::size_t slack = kFrame + host_.least_growth();
    if (model().live().empty()) return record + slack;
    const LiveBlock& last = model().at(model().live().back());
    return record + static_cast<std::size_t>(last.end() - host_.first()) + slack;
  }
  // The standard's null: nothing to free, nothing to measure, and a realloc that is a malloc.
  void judge_null() {
    const Verdict freed = host_.engine().deallocate(nullptr, {});
    const Sized size = host_.engine().usable_size(nullptr);
    if (freed.is_fault() || size.is_fault() || size.bytes != 0)
      oracle_.violate(Expectation::legal_call_succeeds, "null: %s, %s, %zu bytes", traits_of(freed.kind).name,
                      traits_of(size.kind).name, size.bytes);
    const Allocation made = host_.engine().reallocate(nullptr, kMinAlignment);
    if (made.payload != nullptr && !made.is_fault())
      oracle_.judge_place(static_cast<std::byte*>(made.payload), kMinAlignment, kMinAlignment, host_.first(),
                          host_.last());
    if (made.is_fault() || (made.payload != nullptr && host_.engine().deallocate(made.payload, {}).is_fault()))
      oracle_.violate(Expectation::legal_call_succeeds, "reallocate of null: %s", traits_of(made.kind).name);
  }

  // A walk whose visitor says so ends with the first block, and says that it did not come to its end.
  void judge_ended_walk() {
    std::size_t shown = 0;
    const auto visit = [](const BlockView&, void* context) { return ++*static_cast<std::size_t*>(context) == 0; };
    const bool complete = host_.engine().walk(BlockVisitor{visit, &shown});
    if (shown > 1 || complete != (shown == 0))
      oracle_.violate(Expectation::walk_complete, "a walk that ends at once showed %zu blocks and said %d", shown,
                      complete);
  }

  // True iff there is a block to go on with.
  bool judge_answer(const Allocation& got, const char* name, std::size_t size, std::size_t alignment) {
    if (got.is_fault()) {
      oracle_.violate(Expectation::legal_call_succeeds, "%s: %s at %p", name, traits_of(got.kind).name, got.payload);
    } else if (got.payload == nullptr) {
      if (size <= kLargestRequest && !host_.may_refuse(model(), size, alignment))
        oracle_.violate(Expectation::memory_is_there, "%s of %zu bytes, longest gap %zu", name, size,
                        Oracle::longest_gap(model(), host_.first(), host_.last()));
    } else if (size > kLargestRequest) {
      oracle_.violate(Expectation::impossible_size_refused, "%s of %zu bytes", name, size);
    } else {
      return true;
    }
    return false;
  }

  template <class Allocating>
  void settle(const Allocating& op, std::byte* address, std::size_t size, std::size_t alignment, bool zeroed = false) {
    oracle_.judge_place(address, size, alignment, host_.first(), host_.last());
    if (oracle_.is_violated()) return;
    if (zeroed) oracle_.judge_zeroed(address, size);
    op.apply(oracle_.model());
    own(op.slot, address);
  }
  void own(SlotId slot, std::byte* address) {
    oracle_.model().settle(slot, address);
    oracle_.judge_usable(model().at(slot), host_.engine().usable_size(address));
    Oracle::fill(model().at(slot));
  }

  void release(SlotId slot, const Release& how) {
    std::byte* const address = model().at(slot).address;
    oracle_.judge_moved(model().at(slot), address, model().at(slot).size);  // all of it that was filled, for once
    const Verdict verdict = deallocate_at_edge(host_.engine(), address, how);
    if (verdict.is_fault())
      oracle_.violate(Expectation::legal_call_succeeds, "free of %p: %s at %p", static_cast<void*>(address),
                      traits_of(verdict.kind).name, verdict.at);
    oracle_.model().remove(slot);
  }

  void judge_live_below_end() {
    for (const SlotId slot : model().live()) {
      if (model().at(slot).end() <= host_.last()) continue;
      oracle_.violate(Expectation::buffer_resizes, "slot %zu lies beyond the new end", index_of(slot));
    }
  }

  struct Walk {
    Oracle& oracle;
    Oracle::Shown shown;
  };
  void judge_walk() {
    Walk walk{oracle_, {}};
    const auto visit = [](const BlockView& shown, void* context) {
      auto& seen = *static_cast<Walk*>(context);
      return seen.oracle.judge_shown(shown, seen.shown);
    };
    const bool complete = host_.engine().walk(BlockVisitor{visit, &walk});
    oracle_.judge_walk_end(complete, walk.shown);
  }

  H& host_;
  Oracle oracle_;
};

// Performs a program on a fresh engine. Nothing: every expectation was met. The op of a failure that shows only when all
// is given back is the number of ops.
template <Host H>
[[nodiscard]] std::optional<Failure> run(const Program& program, H& host) {
  World<H> world(host, program.stage);
  Oracle& oracle = world.oracle();
  std::size_t op = 0;
  if (host.start(program.stage, oracle)) {
    world.begin();
    for (; op < program.ops.size() && !oracle.is_violated(); ++op) {
      world.perform(program.ops[op]);
      if (oracle.is_violated()) break;
    }
    world.finish();
  }
  if (const char* const left = host.stop()) oracle.violate(Expectation::os_contract_kept, "at the end: %s", left);
  if (!oracle.is_violated()) return std::nullopt;
  return oracle.failure(op);
}

}  // namespace trestle::ops
