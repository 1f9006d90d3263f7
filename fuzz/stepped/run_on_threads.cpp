// Ops of several threads at once on one heap, interrupted where their program says, and the oracle that watches them.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "at_rest.hpp"
#include "ops/by_policy.hpp"
#include "ops/heap_host.hpp"
#include "ops/runners.hpp"
#include "stepper.hpp"

namespace trestle::ops {
namespace {

// A thread's ops, as places in the program.
struct Share {
  struct Turn {
    std::size_t op;
    std::vector<std::uint32_t> preemptions;  // while it performs the op
  };
  std::vector<Turn> turns;
  std::size_t at = 0;  // of these, the one that it is in or comes to next
};
using Shares = std::array<Share, stepped::kMostThreads>;

Shares shared_out(const Program& program) {
  Shares shares;
  std::size_t thread = 0;
  std::vector<std::uint32_t> preemptions;
  for (std::size_t i = 0; i < program.ops.size(); ++i) {
    if (const auto* const one = std::get_if<Preempt>(&program.ops[i])) {
      preemptions.push_back(static_cast<std::uint32_t>(one->steps));
    } else if (const auto* const from_now = std::get_if<RunOn>(&program.ops[i])) {
      thread = from_now->thread % stepped::kMostThreads;
    } else {
      shares[thread].turns.push_back({i, std::exchange(preemptions, {})});
    }
  }
  return shares;
}

template <Host H>
class Threads {
 public:
  Threads(const Program& program, H& host)
      : program_(program), host_(host), world_(host, program.stage), shares_(shared_out(program)) {}

  [[nodiscard]] std::optional<Failure> run() {
    if (host_.start(program_.stage, oracle())) {
      world_.begin();
      run_at_once();
      host_.go_on_with(0);
      if (!oracle().is_violated()) world_.judge_all();
      world_.finish();
    }
    if (const char* const left = host_.stop(); left != nullptr && !oracle().is_violated())
      oracle().violate(Expectation::os_contract_kept, "at the end: %s", left);
    if (!oracle().is_violated()) return std::nullopt;
    return oracle().failure(failed_at_.value_or(program_.ops.size()));
  }

  // The ops that threads have at once. Nobody else runs but within a call of the engine.
  void perform(const Allocate& op) {
    if (!model().is_empty(op.slot)) return;
    const Allocation got = call([&] { return allocate_at_edge(host_.engine(), op.size, op.alignment, op.kind); });
    if (is_answer(got, op.size, op.alignment)) settle(op, got, op.size, op.alignment, false);
  }
  void perform(const AllocateZeroed& op) {
    if (!model().is_empty(op.slot)) return;
    const Allocation got = call([&] { return allocate_zeroed_at_edge(host_.engine(), op.size, op.kind); });
    if (is_answer(got, op.size, kMinAlignment)) settle(op, got, op.size, kMinAlignment, true);
  }
  // While it moves, the block is at neither place for sure: what is asked of it is its contents.
  void perform(const Reallocate& op) {
    if (model().is_empty(op.slot)) return;
    const LiveBlock old = model().at(op.slot);
    model().remove(op.slot);
    const Allocation got = call([&] { return host_.engine().reallocate(old.address, op.size); });
    if (!is_answer(got, op.size, kMinAlignment)) {
      if (oracle().is_violated()) return;
      oracle().judge_moved(old, old.address, old.size);
      return settle(Allocate{op.slot, old.size, old.alignment, old.kind}, {old.address, FaultKind::none}, old.size,
                    old.alignment, false);
    }
    auto* const address = static_cast<std::byte*>(got.payload);
    oracle().judge_moved(old, address, std::min(old.size, op.size));
    settle(Allocate{op.slot, op.size, kMinAlignment, old.kind}, got, op.size, kMinAlignment, false);
  }
  void perform(const Free& op) { release(op.slot, false); }
  void perform(const SizedFree& op) { release(op.slot, true); }
  void perform(const Trim& op) {
    std::ignore = call([&] { return host_.engine().trim(op.keep); });
  }
  void perform(const Check&) {
    Fault first;
    FaultSink sink(&first, 1);
    call([&] { host_.engine().check(CheckLevel::full, sink); });
    oracle().judge_soundness(first, sink.count());
  }
  void perform(const EndThread&) {
    call([&] { host_.end_thread(); });
  }
  template <class Other>
  void perform(const Other&) {}

 private:
  [[nodiscard]] Oracle& oracle() { return world_.oracle(); }
  [[nodiscard]] Model& model() { return oracle().model(); }

  void run_at_once() {
    static bool is_reentered;
    is_reentered = false;
    Mutex::on_reentry([]() noexcept {
      is_reentered = true;
      stepped::end_run();
    });
    const stepped::Ended ended =
        stepped::run({.threads = stepped::kMostThreads,
                      .body = [](void* self, std::size_t t) { static_cast<Threads*>(self)->live(t); },
                      .turned = [](void* self, std::size_t t) { static_cast<Threads*>(self)->turn_to(t); },
                      .context = this});
    if (ended.how == stepped::Ending::deadlock || is_reentered) return stand("deadlock", ended.steps);
    if (ended.how == stepped::Ending::endless) return stand("no end", ended.steps);
  }
  // Nobody goes on: where each stands.
  void stand(const char* how, std::uint64_t steps) {
    std::string where;
    for (std::size_t t = 0; t < stepped::kMostThreads; ++t) {
      const Share& share = shares_[t];
      if (share.at == share.turns.size()) continue;
      failed_at_ = share.turns[share.at].op;
      where += ", thread " + std::to_string(t) + " in op #" + std::to_string(*failed_at_);
    }
    oracle().violate(Expectation::threads_go_on, "%s after %llu steps%s", how, static_cast<unsigned long long>(steps),
                     where.c_str());
  }

  template <class Call>
  static auto call(Call engine) {
    const stepped::Stepped steps;
    return engine();
  }
  void live(std::size_t thread) {
    const stepped::Unstepped between_calls;
    Share& share = shares_[thread];
    for (; share.at < share.turns.size(); ++share.at) {
      const Share::Turn& turn = share.turns[share.at];
      const Op& op = program_.ops[turn.op];
      if (!std::holds_alternative<EndThread>(op)) host_.run_on(thread);
      stepped::preempt_after(turn.preemptions);
      std::visit([&](const auto& one) { perform_alone(one); }, op);
      judge();
      if (oracle().is_violated()) {
        if (!failed_at_) failed_at_ = turn.op;
        stepped::end_run();
      }
      if (stepped::is_preemption_left()) stepped::pass_on();
    }
    stepped::preempt_after({});
    if (thread != 0 && !share.turns.empty()) perform(EndThread{});
  }
  // As a program would: of one slot's ops one at a time.
  template <class One>
  void perform_alone(const One& op) {
    if constexpr (requires { op.slot; }) {
      bool& busy = busy_[index_of(op.slot)];
      while (busy) stepped::pass_on();
      busy = true;
      perform(op);
      busy = false;
    } else {
      perform(op);
    }
  }
  void turn_to(std::size_t thread) {
    host_.go_on_with(thread);
    judge();
  }
  // All that can be asked for while others are in the middle of their calls.
  void judge() {
    if (oracle().is_violated()) return;
    oracle().judge_all_contents();
    if (const char* const wrong = host_.wrong()) oracle().violate(Expectation::os_contract_kept, "%s", wrong);
    if (!stepped::is_at_rest(host_.engine())) return;
    Fault first;
    FaultSink sink(&first, 1);
    host_.engine().check(CheckLevel::full, sink);
    oracle().judge_soundness(first, sink.count());
  }

  // True iff there is a block to go on with.
  bool is_answer(const Allocation& got, std::size_t size, std::size_t alignment) {
    if (oracle().is_violated()) return false;
    if (got.is_fault()) {
      oracle().violate(Expectation::legal_call_succeeds, "%s at %p", traits_of(got.kind).name, got.payload);
    } else if (got.payload == nullptr) {
      if (size <= kLargestRequest && !host_.may_refuse(model(), size, alignment))
        oracle().violate(Expectation::memory_is_there, "null for %zu bytes", size);
    } else if (size > kLargestRequest) {
      oracle().violate(Expectation::impossible_size_refused, "%zu bytes", size);
    } else {
      return true;
    }
    return false;
  }
  template <class Allocating>
  void settle(const Allocating& op, const Allocation& got, std::size_t size, std::size_t alignment, bool zeroed) {
    auto* const address = static_cast<std::byte*>(got.payload);
    oracle().judge_place(address, size, alignment, host_.first(), host_.last());
    if (oracle().is_violated()) return;
    if (zeroed) oracle().judge_zeroed(address, size);
    op.apply(model());
    model().settle(op.slot, address);
    Oracle::fill(model().at(op.slot));
    const LiveBlock block = model().at(op.slot);
    const Sized usable = call([&] { return host_.engine().usable_size(address); });
    if (!oracle().is_violated()) oracle().judge_usable(block, usable);
  }
  void release(SlotId slot, bool claims) {
    if (model().is_empty(slot)) return;
    const LiveBlock block = model().at(slot);
    oracle().judge_moved(block, block.address, block.size);
    model().remove(slot);
    Release how{.kind = block.kind};
    if (claims) how = {.kind = block.kind, .size = block.size, .alignment = block.alignment};
    const Verdict verdict = call([&] { return deallocate_at_edge(host_.engine(), block.address, how); });
    if (verdict.is_fault() && !oracle().is_violated())
      oracle().violate(Expectation::legal_call_succeeds, "free of %p: %s at %p", static_cast<void*>(block.address),
                       traits_of(verdict.kind).name, verdict.at);
  }

  const Program& program_;
  H& host_;
  World<H> world_;
  Shares shares_;
  std::array<bool, kSlots> busy_{};
  std::optional<std::size_t> failed_at_;
};

template <Policy P>
HeapHost<with_short_quarantines(P)>& host() {
  static HeapHost<with_short_quarantines(P)> one;
  return one;
}

}  // namespace

std::optional<Failure> run_on_threads(const Program& program) {
  return by_policy(program.stage.policy, [&]<Policy P> {
    auto& heap = host<P>();
    return Threads<std::remove_reference_t<decltype(heap)>>(program, heap).run();
  });
}

}  // namespace trestle::ops
