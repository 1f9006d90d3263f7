// The operating system as the heap sees it. LinuxOs is the real one; the harnesses bring one that can refuse any call.
// All addresses and lengths are multiples of kOsPage. None of these allocates or throws.
//
//   reserve(bytes, alignment)  address space without access; null iff refused
//   release(at, bytes)         gives a reservation back, whole
//   commit(at, bytes)          makes it readable and writable; reads as zero unless it was committed before
//   purge(at, bytes)           drops the contents: reads as zero from now on; false: contents are kept
//   guard(at, bytes)           drops the contents, any access faults until unguard; false: accessible as before, but the
//                              contents may be lost
//   unguard(at, bytes)         of a range that one guard call made: accessible again, reads as zero; false: still guarded
//   close(at, bytes)           as guard, where nothing is guarded; a long one is no dearer
//   open(at, bytes)            as unguard, of a range that one close call made
//   move(from, to, bytes)      the pages of `from` appear at `to`, `from` then reads as zero; false: nothing changed
//   now_ms()                   a monotonic clock, milliseconds
//   entropy()                  64 unpredictable bits
//   processors()               that this process may run on, at least 1
//   thread()                   a number that no other live thread has; never 0
//   own_cache()                the calling thread's, the same at every call: which heap's cache the thread uses; zero at first
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace trestle {

inline constexpr std::size_t kOsPage = 4096;

// The one thing that a heap keeps in a thread: the cache that it made for it, beside the heap's own number.
struct OwnCache {
  std::uint64_t heap = 0;
  void* cache = nullptr;
};

template <class T>
concept Os = requires(T os, std::byte* at, std::byte* to, std::size_t bytes) {
  { os.reserve(bytes, bytes) } noexcept -> std::same_as<std::byte*>;
  { os.release(at, bytes) } noexcept -> std::same_as<void>;
  { os.commit(at, bytes) } noexcept -> std::same_as<bool>;
  { os.purge(at, bytes) } noexcept -> std::same_as<bool>;
  { os.guard(at, bytes) } noexcept -> std::same_as<bool>;
  { os.unguard(at, bytes) } noexcept -> std::same_as<bool>;
  { os.close(at, bytes) } noexcept -> std::same_as<bool>;
  { os.open(at, bytes) } noexcept -> std::same_as<bool>;
  { os.move(at, to, bytes) } noexcept -> std::same_as<bool>;
  { os.now_ms() } noexcept -> std::same_as<std::uint64_t>;
  { os.entropy() } noexcept -> std::same_as<std::uint64_t>;
  { os.processors() } noexcept -> std::same_as<std::size_t>;
  { os.thread() } noexcept -> std::same_as<std::uint64_t>;
  { os.own_cache() } noexcept -> std::same_as<OwnCache&>;
};
static_assert(!Os<int>);

}  // namespace trestle
