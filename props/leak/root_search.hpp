// Whether the one block there is is found from the roots, as its tests ask, each in a child of its own.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "base/arith.hpp"
#include "base/sanitize.hpp"
#include "child.hpp"
#include "leak/roots.hpp"
#include "os/mapped.hpp"

namespace trestle {
inline constexpr std::size_t kBytes = 64;

// The one block there is, whose address lies nowhere as such.
struct Hidden {
  Hidden() : inverse(~address_of(mmap(nullptr, kOsPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  [[nodiscard, gnu::noinline]] void* block() const {
    std::uintptr_t word = inverse;
    asm volatile("" : "+r"(word));
    return reinterpret_cast<void*>(~word);
  }
  std::uintptr_t inverse;
};
inline const Hidden hidden;

enum class Found { unreached, reached, failed };

[[gnu::noinline]] inline Found look_for(const os::Caller& caller) {
  const std::size_t stack_bytes = default_stack_bytes();
  Reach reach;
  if (!reach.make_room(1)) return Found::failed;
  reach.add(hidden.block(), kBytes);
  reach.begin();
  os::StoppedThreads others;
  if (others.stop() != os::StoppedThreads::Answer::stopped) return Found::failed;
  const os::Mapped<RootsRoom> room;
  if (room.get() == nullptr) return Found::failed;
  std::array<AddressRange, 4> own{};
  std::size_t count = 0;
  for (const std::span<const std::byte> memory : {reach.memory(), others.memory(), room.memory()})
    own[count++] = {address_of(memory.data()), address_of(memory.data()) + memory.size()};
  own[count++] = {address_of(hidden.block()), address_of(hidden.block()) + kOsPage};
  std::sort(own.begin(), own.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
  if (!mark_from_roots(reach, own, others, caller, stack_bytes, *room.get())) return Found::failed;
  return reach.unreached() == 0 ? Found::reached : Found::unreached;
}
[[gnu::noinline]] inline Found look() {
  const os::Caller caller = os::Caller::here();
  const Found found = look_for(caller);
  asm volatile("");  // it is called from here, and not from where we return to
  return found;
}
// Nothing of what was called before lies below the caller's frame.
[[gnu::noinline]] inline void forget() {
  std::array<char, 32768> below{};
  asm volatile("" : : "r"(below.data()) : "memory");
}
// As a child sees it: beside its own main thread there is no other then.
[[nodiscard]] inline int looked() {
  forget();
  return static_cast<int>(look());
}
inline constexpr int kUnreached = static_cast<int>(Found::unreached);
inline constexpr int kReached = static_cast<int>(Found::reached);
inline constexpr int kFailed = static_cast<int>(Found::failed);

[[gnu::noinline]] inline void keep(void** at) {
  *at = hidden.block();
  forget();
}
inline void* mapped(std::size_t bytes, int flags = MAP_PRIVATE | MAP_ANONYMOUS) {
  void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  madvise(at, bytes, MADV_NOHUGEPAGE);  // pages are counted
  return at;
}

class RootsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (TRESTLE_UNDER_TSAN) GTEST_SKIP() << "a task that shares its memory is nothing that it knows of";
#if defined(TRESTLE_UNDER_ASAN)
    GTEST_SKIP() << "it keeps frames elsewhere, and what they held";
#endif
  }
};

}  // namespace trestle
