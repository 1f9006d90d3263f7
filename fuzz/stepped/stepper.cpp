#include "stepper.hpp"

#include <sys/mman.h>
#include <ucontext.h>

#include <array>
#include <new>
#include <utility>

#include "ops/instrument.hpp"
#include "shared_words.hpp"

#if defined(TRESTLE_UNDER_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif

namespace trestle::stepped {
namespace {

constexpr std::size_t kStackBytes = 256 << 10;

enum class State : std::uint8_t { ready, asleep, done };

struct alignas(64) Fiber {
  ucontext_t context{};
  std::byte* stack = nullptr;  // null: the caller's own
  // What AddressSanitizer is told of a fiber: where its stack is, and what it gave for its frames on the heap.
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  void* frames = nullptr;
  State state = State::done;
  bool is_stepped = true;
  std::span<const std::uint32_t> preemptions;
  std::uint64_t left = 0;         // of its steps until the next of them
  const void* place = nullptr;    // where it sleeps
  std::uint64_t slept_since = 0;  // turns
  // What interrupts it, and after how many of its accesses.
  void (*handle)(void* context) = nullptr;
  void* context_of_handle = nullptr;
  std::uint64_t accesses = 0;
};

class Stepper {
 public:
  Ended run(const Run& run) {
    begin(run);
    turn_to(0);
    switch_from(main_, fibers_[running_]);
    is_running_ = false;
    ended_.turns = turns_;
    return ended_;
  }

  void step() noexcept {
    if (!is_running_ || is_turning_ || !fibers_[running_].is_stepped) return;
    if (++ended_.steps > run_.most_steps) end(Ending::endless);
    Fiber& self = fibers_[running_];
    while (!self.preemptions.empty() && self.left == 0) {
      give(self, self.preemptions.subspan(1));
      go_on_with(next_ready());
    }
    if (self.left != 0) --self.left;
  }
  void preempt_after(std::span<const std::uint32_t> steps) noexcept {
    if (is_running_) give(fibers_[running_], steps);
  }
  [[nodiscard]] bool is_preemption_left() const noexcept {
    return is_running_ && !fibers_[running_].preemptions.empty();
  }
  // What lies on a thread's own stack concerns nobody else.
  void step_to(const void* at) noexcept {
    if (!is_running_ || is_turning_) return;
    const Fiber& self = fibers_[running_];
    if (!self.is_stepped || (at >= self.stack && at < self.stack + kStackBytes)) return;
    interrupt_if_due();
    if (words_.note(at, running_)) step();
  }
  void interrupt_at(std::uint64_t access, void (*handle)(void* context), void* context) noexcept {
    if (!is_running_) return;
    Fiber& self = fibers_[running_];
    self.accesses = access;
    self.handle = handle;
    self.context_of_handle = context;
  }
  void lose(std::size_t thread) noexcept { fibers_[thread].state = State::done; }
  [[noreturn]] void lose_self() noexcept {
    lose(running_);
    go_on_with_another();
    __builtin_unreachable();
  }
  void pass_on() noexcept {
    if (!is_running_ || is_turning_) return;
    if (++ended_.steps > run_.most_steps) end(Ending::endless);
    go_on_with(next_ready());
  }
  void sleep_on(const void* place) noexcept {
    if (!is_running_ || is_turning_) return;
    Fiber& self = fibers_[running_];
    self.state = State::asleep;
    self.place = place;
    self.slept_since = turns_;
    go_on_with_another();
  }
  void wake_one(const void* place) noexcept {
    Fiber* longest = nullptr;
    for (Fiber& fiber : fibers_) {
      if (fiber.state != State::asleep || fiber.place != place) continue;
      if (longest == nullptr || fiber.slept_since < longest->slept_since) longest = &fiber;
    }
    if (longest != nullptr) longest->state = State::ready;
  }
  [[nodiscard]] std::uint64_t self() const noexcept {
    return reinterpret_cast<std::uintptr_t>(is_running_ ? &fibers_[running_] : &main_);
  }
  [[noreturn]] void end(Ending how) noexcept {
    ended_.how = how;
    switch_from(fibers_[running_], main_);
    __builtin_unreachable();
  }

  bool set_stepped(bool stepped) noexcept {
    return is_running_ ? std::exchange(fibers_[running_].is_stepped, stepped) : true;
  }

 private:
  void begin(const Run& run) {
    run_ = run;
    words_.clear();
    turns_ = 0;
    ended_ = {};
    for (std::size_t i = 0; i < kMostThreads; ++i) {
      fibers_[i].state = i < run.threads ? State::ready : State::done;
      if (i < run.threads) prepare(fibers_[i]);
    }
    is_running_ = true;
  }
  // A run that ended left frames on its stacks.
  static void prepare(Fiber& fiber) {
    if (fiber.stack == nullptr) {
      void* const made =
          mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
      if (made == MAP_FAILED) throw std::bad_alloc{};
      fiber.stack = static_cast<std::byte*>(made);
    }
    ops::permit_access(fiber.stack, kStackBytes);
    fiber.is_stepped = true;
    give(fiber, {});
    fiber.handle = nullptr;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = nullptr;
    fiber.bottom = fiber.stack;
    fiber.bytes = kStackBytes;
    fiber.frames = nullptr;
    makecontext(&fiber.context, &Stepper::enter, 0);
  }
  static void enter() noexcept;
  void live() noexcept {
    arrive(fibers_[running_]);
    run_.body(run_.context, running_);
    fibers_[running_].state = State::done;
    go_on_with_another();
    __builtin_unreachable();
  }

  void interrupt_if_due() noexcept {
    Fiber& self = fibers_[running_];
    if (self.handle == nullptr || self.accesses-- != 0) return;
    std::exchange(self.handle, nullptr)(self.context_of_handle);
  }
  static void give(Fiber& fiber, std::span<const std::uint32_t> preemptions) noexcept {
    fiber.preemptions = preemptions;
    fiber.left = preemptions.empty() ? 0 : preemptions[0];
  }
  // From the running one on, itself the last; kMostThreads: none.
  [[nodiscard]] std::size_t next_ready() const noexcept {
    for (std::size_t i = 1; i <= kMostThreads; ++i) {
      const std::size_t candidate = (running_ + i) % kMostThreads;
      if (fibers_[candidate].state == State::ready) return candidate;
    }
    return kMostThreads;
  }
  void go_on_with_another() noexcept {
    const std::size_t next = next_ready();
    if (next != kMostThreads) return go_on_with(next);
    for (const Fiber& fiber : fibers_) {
      if (fiber.state == State::asleep) end(Ending::deadlock);
    }
    end(Ending::done);
  }
  void go_on_with(std::size_t next) noexcept {
    if (next == running_) return;
    Fiber& from = fibers_[running_];
    turn_to(next);
    switch_from(from, fibers_[next]);
  }
  void turn_to(std::size_t next) noexcept {
    running_ = next;
    ++turns_;
    if (run_.turned == nullptr) return;
    is_turning_ = true;
    run_.turned(run_.context, next);
    is_turning_ = false;
  }

  void switch_from(Fiber& from, Fiber& to) noexcept {
    left_behind_ = &from;
#if defined(TRESTLE_UNDER_ASAN)
    __sanitizer_start_switch_fiber(&from.frames, to.bottom, to.bytes);
#endif
    swapcontext(&from.context, &to.context);
    arrive(from);
  }
  void arrive([[maybe_unused]] Fiber& at) noexcept {
#if defined(TRESTLE_UNDER_ASAN)
    __sanitizer_finish_switch_fiber(at.frames, &left_behind_->bottom, &left_behind_->bytes);
#endif
  }

  std::array<Fiber, kMostThreads> fibers_{};
  Fiber main_{};
  Fiber* left_behind_ = nullptr;
  SharedWords words_;
  Run run_{};
  std::size_t running_ = 0;
  std::uint64_t turns_ = 0;
  Ended ended_{};
  bool is_running_ = false;
  bool is_turning_ = false;
};

Stepper stepper;

void Stepper::enter() noexcept { stepper.live(); }

}  // namespace

void step() noexcept { stepper.step(); }
void step_to(const void* at) noexcept { stepper.step_to(at); }
void pass_on() noexcept { stepper.pass_on(); }
void preempt_after(std::span<const std::uint32_t> steps) noexcept { stepper.preempt_after(steps); }
bool is_preemption_left() noexcept { return stepper.is_preemption_left(); }
void sleep_on(const void* place) noexcept { stepper.sleep_on(place); }
void wake_one(const void* place) noexcept { stepper.wake_one(place); }
std::uint64_t self() noexcept { return stepper.self(); }
void interrupt_at(std::uint64_t access, void (*handle)(void* context), void* context) noexcept {
  stepper.interrupt_at(access, handle, context);
}
void lose(std::size_t thread) noexcept { stepper.lose(thread); }
void lose_self() noexcept { stepper.lose_self(); }
void end_run() noexcept { stepper.end(Ending::ended); }
Ended run(const Run& run) { return stepper.run(run); }

Unstepped::Unstepped() noexcept : before_(stepper.set_stepped(false)) {}
Unstepped::~Unstepped() noexcept { (void)stepper.set_stepped(before_); }
Stepped::Stepped() noexcept : before_(stepper.set_stepped(true)) {}
Stepped::~Stepped() noexcept { (void)stepper.set_stepped(before_); }

}  // namespace trestle::stepped

// What clang calls before each load and store of what it compiled for that.
#define TRESTLE_STEP_BEFORE(access) \
  extern "C" void __sanitizer_cov_##access(const void* at) { trestle::stepped::stepper.step_to(at); }
TRESTLE_STEP_BEFORE(load1)
TRESTLE_STEP_BEFORE(load2)
TRESTLE_STEP_BEFORE(load4)
TRESTLE_STEP_BEFORE(load8)
TRESTLE_STEP_BEFORE(load16)
TRESTLE_STEP_BEFORE(store1)
TRESTLE_STEP_BEFORE(store2)
TRESTLE_STEP_BEFORE(store4)
TRESTLE_STEP_BEFORE(store8)
TRESTLE_STEP_BEFORE(store16)
