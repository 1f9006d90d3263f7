// What the library tells the tools that look at each access of a program's, AddressSanitizer and Valgrind's memcheck, where it
// is built for one (lib/CMakeLists.txt): which bytes of the heap are the program's. Otherwise nothing here does anything.
#pragma once

#include <cstddef>

#if defined(TRESTLE_TELLS_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif
#if defined(TRESTLE_TELLS_VALGRIND)
#include <valgrind/memcheck.h>
#endif

namespace trestle {

#if defined(TRESTLE_TELLS_ASAN)
inline constexpr bool kTellsAsan = true;
#else
inline constexpr bool kTellsAsan = false;
#endif
#if defined(TRESTLE_TELLS_VALGRIND)
inline constexpr bool kTellsValgrind = true;
[[nodiscard]] inline bool is_under_valgrind() noexcept { return RUNNING_ON_VALGRIND != 0; }
#else
inline constexpr bool kTellsValgrind = false;
[[nodiscard]] inline bool is_under_valgrind() noexcept { return false; }
#endif
inline constexpr bool kMarksBytes = kTellsAsan || kTellsValgrind;
// Otherwise a block whose size changes always moves, so that the marks of both are right at each moment, and the use of the old
// pointer is seen.
inline constexpr bool kResizesInPlace = !kMarksBytes;

#if defined(TRESTLE_TELLS_VALGRIND)
// While one exists the calling thread's accesses are the heap's own, of which memcheck says nothing.
class OwnAccesses {
 public:
  OwnAccesses() noexcept {
    if (depth_ == 0) VALGRIND_DISABLE_ERROR_REPORTING;
    ++depth_;
  }
  ~OwnAccesses() {
    if (--depth_ == 0) VALGRIND_ENABLE_ERROR_REPORTING;
  }
  OwnAccesses(const OwnAccesses&) = delete;
  OwnAccesses& operator=(const OwnAccesses&) = delete;

 private:
  friend class ProgramAccesses;
  [[gnu::tls_model("initial-exec")]] static thread_local constinit inline int depth_ = 0;
};

// While one exists they are the program's again, as in a function of its that is called. It may be left by a jump.
class ProgramAccesses {
 public:
  ProgramAccesses() noexcept : depth_(OwnAccesses::depth_) {
    OwnAccesses::depth_ = 0;
    if (depth_ != 0) VALGRIND_ENABLE_ERROR_REPORTING;
  }
  ~ProgramAccesses() {
    if (depth_ != 0) VALGRIND_DISABLE_ERROR_REPORTING;
    OwnAccesses::depth_ = depth_;
  }
  ProgramAccesses(const ProgramAccesses&) = delete;
  ProgramAccesses& operator=(const ProgramAccesses&) = delete;

 private:
  const int depth_;
};
#else
struct [[maybe_unused]] OwnAccesses {
  OwnAccesses() noexcept {}
};
struct [[maybe_unused]] ProgramAccesses {
  ProgramAccesses() noexcept {}
};
#endif

// An access of the program to these bytes is reported from now on, or is not.
inline void forbid_access([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(TRESTLE_TELLS_ASAN)
  __asan_poison_memory_region(at, bytes);
#elif defined(TRESTLE_TELLS_VALGRIND)
  (void)VALGRIND_MAKE_MEM_NOACCESS(at, bytes);
#endif
}
inline void permit_access([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(TRESTLE_TELLS_ASAN)
  __asan_unpoison_memory_region(at, bytes);
#elif defined(TRESTLE_TELLS_VALGRIND)
  // What the program has written there stays known.
  VALGRIND_DISABLE_ERROR_REPORTING;
  const auto first = reinterpret_cast<const std::byte*>(VALGRIND_CHECK_MEM_IS_ADDRESSABLE(at, bytes));
  VALGRIND_ENABLE_ERROR_REPORTING;
  const auto end = static_cast<const std::byte*>(at) + bytes;
  if (first != nullptr) (void)VALGRIND_MAKE_MEM_UNDEFINED(first, end - first);
#endif
}

// A block of the program's begins, or ends. Of one that begins `zeroed` the contents are known. Of one that ends, `bytes` are
// those that may be accessed.
inline void begin_block([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t bytes,
                        [[maybe_unused]] bool zeroed) noexcept {
#if defined(TRESTLE_TELLS_VALGRIND)
  VALGRIND_MALLOCLIKE_BLOCK(at, bytes, 0, zeroed);
#else
  permit_access(at, bytes);
#endif
}
inline void end_block([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t bytes) noexcept {
  forbid_access(at, bytes);
#if defined(TRESTLE_TELLS_VALGRIND)
  const ProgramAccesses told;  // memcheck may report that it is none
  VALGRIND_FREELIKE_BLOCK(at, 0);
#endif
}

// AddressSanitizer's search for leaks takes pointers in these bytes, as far as they may be accessed, for the program's. Until
// they are removed, the same range.
inline void add_roots([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(TRESTLE_TELLS_ASAN)
  __lsan_register_root_region(at, bytes);
#endif
}
inline void remove_roots([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(TRESTLE_TELLS_ASAN)
  __lsan_unregister_root_region(at, bytes);
#endif
}

}  // namespace trestle
