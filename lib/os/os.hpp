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
//   move(from, to, bytes)      the pages of `from` appear at `to`, `from` then reads as zero; false: nothing changed
//   now_ms()                   a monotonic clock, milliseconds
//   entropy()                  64 unpredictable bits
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace trestle {

inline constexpr std::size_t kOsPage = 4096;

template <class T>
concept Os = requires(T os, std::byte* at, std::byte* to, std::size_t bytes) {
  { os.reserve(bytes, bytes) } noexcept -> std::same_as<std::byte*>;
  { os.release(at, bytes) } noexcept -> std::same_as<void>;
  { os.commit(at, bytes) } noexcept -> std::same_as<bool>;
  { os.purge(at, bytes) } noexcept -> std::same_as<bool>;
  { os.guard(at, bytes) } noexcept -> std::same_as<bool>;
  { os.unguard(at, bytes) } noexcept -> std::same_as<bool>;
  { os.move(at, to, bytes) } noexcept -> std::same_as<bool>;
  { os.now_ms() } noexcept -> std::same_as<std::uint64_t>;
  { os.entropy() } noexcept -> std::same_as<std::uint64_t>;
};
static_assert(!Os<int>);

}  // namespace trestle
