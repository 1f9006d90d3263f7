// Whatever malloc this process has, as an engine: it can be neither checked nor walked, and what it is made of nobody knows.
// One heap serves all that is started, so each program wants a process of its own, whose operator new asks another for memory.
// The threads of a program are real ones, on which the calls are made; who judges them does so on the process's own.
#pragma once

#include <malloc.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "ops/crew.hpp"
#include "ops/oracle.hpp"
#include "ops/world.hpp"

namespace trestle::ops {

class ForeignEngine {
 public:
  [[nodiscard]] Allocation allocate(std::size_t size, std::size_t alignment, Kind) noexcept {
    return answer([&] { return alignment <= kMinAlignment ? std::malloc(size) : aligned(size, alignment); });
  }
  [[nodiscard]] Allocation allocate_zeroed(std::size_t size, Kind) noexcept {
    return answer([&] { return std::calloc(1, size); });
  }
  [[nodiscard]] Verdict deallocate(void* payload, const Release&) noexcept {
    return crew_.perform([&] {
      std::free(payload);
      return Verdict{};
    });
  }
  // What realloc makes of no bytes is up to each allocator, so one is asked for.
  [[nodiscard]] Allocation reallocate(void* payload, std::size_t size) noexcept {
    return answer([&] { return std::realloc(payload, size == 0 ? 1 : size); });
  }
  [[nodiscard]] Sized usable_size(void* payload) noexcept {
    return {crew_.perform([&] { return malloc_usable_size(payload); }), FaultKind::none};
  }
  void check(CheckLevel, FaultSink&) noexcept {}
  bool walk(BlockVisitor) noexcept { return true; }

  // What each request was answered so far: '+' a block, '0' null.
  [[nodiscard]] const std::string& answers() const noexcept { return answers_; }
  void begin() { answers_.clear(); }
  // The threads that call.
  [[nodiscard]] Crew& crew() noexcept { return crew_; }

 private:
  template <class Call>
  [[nodiscard]] Allocation answer(const Call& call) noexcept {
    void* const block = crew_.perform(call);
    answers_ += block == nullptr ? '0' : '+';
    return {block, FaultKind::none};
  }
  // By the function whose rules the request keeps.
  [[nodiscard]] static void* aligned(std::size_t size, std::size_t alignment) noexcept {
    if (size % alignment == 0) return std::aligned_alloc(alignment, size);
    void* block = nullptr;
    return posix_memalign(&block, alignment, size) == 0 ? block : nullptr;
  }

  std::string answers_;
  Crew crew_;
};

class ForeignHost {
 public:
  using EngineType = ForeignEngine;
  static constexpr Features kFeatures{.zeroed = true, .threads = true, .kinds = false, .opaque = true};

  bool start(const Stage&, Oracle&) {
    engine_.begin();
    has_thread_ = true;
    return true;
  }
  [[nodiscard]] EngineType& engine() noexcept { return engine_; }
  // No more than no bytes and a gigabyte may be refused: no program has that much.
  [[nodiscard]] static bool may_refuse(const Model&, std::size_t size, std::size_t) noexcept {
    return size == 0 || size >= (std::size_t{1} << 30);
  }
  [[nodiscard]] static const std::byte* first() noexcept { return nullptr; }
  [[nodiscard]] static const std::byte* last() noexcept { return reinterpret_cast<const std::byte*>(PTRDIFF_MAX); }
  [[nodiscard]] const char* wrong() const noexcept { return has_thread_ ? nullptr : "pthread_create failed"; }
  [[nodiscard]] const char* stop() {
    engine_.crew().leave();
    return nullptr;
  }
  void run_on(std::size_t thread) { has_thread_ = engine_.crew().run_on(thread); }
  void end_thread() { engine_.crew().end_thread(); }

 private:
  bool has_thread_ = true;  // that a program asked for, as far as it has
  ForeignEngine engine_;
};

static_assert(Host<ForeignHost>);

}  // namespace trestle::ops
