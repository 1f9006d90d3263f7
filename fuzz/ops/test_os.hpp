// An operating system of the harness's own: memory comes from one arena mapped once, so that a fresh heap per input costs
// no system calls; it holds the heap to the contract of trestle::Os, can refuse any call, and its clock stands still until
// told otherwise. Pages that were released or never committed, and guarded ones, may not be accessed: AddressSanitizer
// reports it. Not thread-safe.
// It has a few threads, one of which runs at a time: which one it is, whoever uses it says.
//   a page's state is kept from its reservation to its release; a released page reads as zero when it is committed again
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "os/os.hpp"

namespace trestle::ops {

class TestArena {
 public:
  static constexpr std::size_t kBytes = std::size_t{192} << 20;
  static constexpr std::size_t kReservations = 64;
  static constexpr std::size_t kThreads = 4;
  static constexpr std::size_t kProcessors = 2;

  explicit TestArena(std::size_t bytes = kBytes);
  TestArena(const TestArena&) = delete;
  TestArena& operator=(const TestArena&) = delete;
  ~TestArena();

  [[nodiscard]] std::byte* reserve(std::size_t bytes, std::size_t alignment) noexcept;
  void release(std::byte* at, std::size_t bytes) noexcept;
  bool commit(std::byte* at, std::size_t bytes) noexcept;
  bool purge(std::byte* at, std::size_t bytes) noexcept;
  bool guard(std::byte* at, std::size_t bytes) noexcept;
  bool unguard(std::byte* at, std::size_t bytes) noexcept;
  bool close(std::byte* at, std::size_t bytes) noexcept;
  bool open(std::byte* at, std::size_t bytes) noexcept;
  bool move(std::byte* from, std::byte* to, std::size_t bytes) noexcept;
  [[nodiscard]] std::uint64_t now_ms() const noexcept { return books_.now_ms; }

  void advance(std::uint64_t milliseconds) noexcept { books_.now_ms += milliseconds; }
  // There are two, until told otherwise.
  void set_processors(std::size_t count) noexcept { books_.processors = count; }
  [[nodiscard]] std::size_t processors() const noexcept { return books_.processors; }
  // From now on the n-th call that may fail does (1: the next one), and after it each `every`-th; 0: none, and no other.
  void refuse(std::size_t nth, std::size_t every = 0) noexcept {
    books_.refuse_in = nth;
    books_.refuse_every = every;
  }
  // The thread that calls from now on, modulo kThreads; begun anew, if it has ended.
  void run_on(std::size_t thread) noexcept {
    books_.thread = thread % kThreads;
    if (!std::exchange(books_.ended[books_.thread], false)) return;
    books_.own_caches[books_.thread] = {};
    books_.lives += 1;
    books_.life_of[books_.thread] = books_.lives;
  }
  // The same, but one that has ended stays so.
  void go_on_with(std::size_t thread) noexcept { books_.thread = thread % kThreads; }
  void end_thread() noexcept { books_.ended[books_.thread] = true; }
  // The one that calls is the only one in the child of a fork.
  void lose_other_threads() noexcept {
    const std::size_t self = books_.thread;
    for (std::size_t i = 0; i < kThreads; ++i) books_.ended[i] = books_.ended[i] || i != self;
  }
  [[nodiscard]] std::uint64_t thread() const noexcept {
    return books_.thread + 1 + kThreads * books_.life_of[books_.thread];
  }
  [[nodiscard]] OwnCache& own_cache() noexcept { return books_.own_caches[books_.thread]; }
  // Whether the bytes may be read and written.
  [[nodiscard]] bool is_accessible(const std::byte* at, std::size_t bytes) const noexcept;
  // Of the bytes between the two addresses, in whole pages of the arena, those that may be.
  [[nodiscard]] std::size_t accessible_bytes(const std::byte* from, const std::byte* to) const noexcept;
  // Where the reservation begins in which the address lies; null: in none.
  [[nodiscard]] const std::byte* reserved_from(const std::byte* at) const noexcept;
  // Calls that were refused; and of these the ones without which no memory can be had.
  [[nodiscard]] std::size_t refused() const noexcept { return books_.refused; }
  [[nodiscard]] std::size_t refused_memory() const noexcept { return books_.refused_memory; }
  [[nodiscard]] std::size_t calls() const noexcept { return books_.calls; }
  // The first breach of the contract since reset; null: none.
  [[nodiscard]] const char* breach() const noexcept { return books_.breach; }
  [[nodiscard]] bool has_reservations() const noexcept { return books_.count != 0; }
  // Takes back whatever is still reserved and forgets breaches, calls and time.
  void reset() noexcept;
  // Remembers every page and all else, in place of what it remembered; restore makes it so again.
  void save();
  void restore() noexcept;

  [[nodiscard]] const std::byte* first() const noexcept { return base_; }
  [[nodiscard]] const std::byte* last() const noexcept { return base_ + bytes_; }

 private:
  enum class Page : std::uint8_t { reserved, committed, guarded, closed };
  // Pages from `first` to `last`; of these, [touched_first, touched_last) may have been committed.
  struct Reservation {
    std::size_t first;
    std::size_t last;
    std::size_t touched_first;
    std::size_t touched_last;
  };
  struct Pages {
    std::size_t first;
    std::size_t last;

    [[nodiscard]] std::size_t bytes() const noexcept { return (last - first) * kOsPage; }
  };
  // Everything but the pages.
  struct Books {
    std::array<Reservation, kReservations> reservations{};
    std::size_t count = 0;
    std::size_t next_page = 0;
    std::uint64_t now_ms = 1;
    std::size_t processors = kProcessors;
    std::size_t refuse_in = 0;
    std::size_t refuse_every = 0;
    std::size_t refused = 0;
    std::size_t refused_memory = 0;
    std::size_t calls = 0;
    const char* breach = nullptr;
    std::size_t thread = 0;
    std::uint64_t lives = 0;  // threads that began where another had ended
    std::array<std::uint64_t, kThreads> life_of{};
    std::array<bool, kThreads> ended{};
    std::array<OwnCache, kThreads> own_caches{};
  };

  [[nodiscard]] bool is_refused() noexcept;
  [[nodiscard]] bool is_memory_refused() noexcept;
  void breach(const char* what) noexcept { books_.breach = books_.breach == nullptr ? what : books_.breach; }
  // The pages of the range; a breach iff it is no whole pages of one reservation.
  [[nodiscard]] Reservation* find(const std::byte* at, std::size_t bytes, Pages& pages, const char* what) noexcept;
  [[nodiscard]] bool all_are(Pages pages, Page state, Page other) const noexcept;
  void set(Pages pages, Page state) noexcept;
  void forbid(Pages pages, Page state) noexcept;
  void permit(Pages pages) noexcept;
  // Calls visit(Pages) for each run of committed pages among these.
  template <class Visit>
  void for_each_committed(Pages among, Visit visit) const noexcept;
  void zero(Pages pages) noexcept;
  [[nodiscard]] std::byte* at(std::size_t page) const noexcept { return base_ + page * kOsPage; }

  std::size_t bytes_ = 0;
  void* mapped_ = nullptr;
  std::byte* base_ = nullptr;
  std::vector<Page> pages_;
  Books books_;
  std::vector<Page> saved_pages_;
  std::vector<std::byte> saved_bytes_;  // of the committed pages, one behind the other
  Books saved_books_;
};

// The handle that a heap holds.
class TestOs {
 public:
  constexpr TestOs() noexcept = default;
  constexpr explicit TestOs(TestArena& arena) noexcept : arena_(&arena) {}

  [[nodiscard]] std::byte* reserve(std::size_t bytes, std::size_t alignment) noexcept {
    return arena_->reserve(bytes, alignment);
  }
  void release(std::byte* at, std::size_t bytes) noexcept { arena_->release(at, bytes); }
  bool commit(std::byte* at, std::size_t bytes) noexcept { return arena_->commit(at, bytes); }
  bool purge(std::byte* at, std::size_t bytes) noexcept { return arena_->purge(at, bytes); }
  bool guard(std::byte* at, std::size_t bytes) noexcept { return arena_->guard(at, bytes); }
  bool unguard(std::byte* at, std::size_t bytes) noexcept { return arena_->unguard(at, bytes); }
  bool close(std::byte* at, std::size_t bytes) noexcept { return arena_->close(at, bytes); }
  bool open(std::byte* at, std::size_t bytes) noexcept { return arena_->open(at, bytes); }
  bool move(std::byte* from, std::byte* to, std::size_t bytes) noexcept { return arena_->move(from, to, bytes); }
  [[nodiscard]] std::uint64_t now_ms() const noexcept { return arena_->now_ms(); }
  [[nodiscard]] std::uint64_t entropy() const noexcept { return 0x7E57'0E27'0B0D'1E55U; }
  [[nodiscard]] std::size_t processors() const noexcept { return arena_->processors(); }
  [[nodiscard]] std::uint64_t thread() const noexcept { return arena_->thread(); }
  [[nodiscard]] OwnCache& own_cache() const noexcept { return arena_->own_cache(); }

 private:
  TestArena* arena_ = nullptr;
};
static_assert(Os<TestOs>);

}  // namespace trestle::ops
