#include "ops/test_os.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "ops/instrument.hpp"

namespace trestle::ops {
namespace {

constexpr std::size_t kArenaAlignment = std::size_t{1} << 21;
// Writing zeros is cheaper than giving pages back and faulting them in again: at the start of the arena, which nearly every
// program uses, and up to so many bytes elsewhere.
constexpr std::size_t kStartPages = (std::size_t{4} << 20) / kOsPage;
constexpr std::size_t kZeroByHand = 128 << 10;

// Most bytes of a span are never written to, and a cache line that is only read need not be written back.
TRESTLE_READS_WHOLE_RANGES void zero_touched(std::byte* at, std::size_t bytes) noexcept {
  using Lane = std::uint64_t __attribute__((vector_size(16), aligned(16), may_alias));
  constexpr std::size_t kLanes = 4;
  auto* lane = reinterpret_cast<Lane*>(at);
  for (auto* const end = lane + bytes / sizeof(Lane); lane != end; lane += kLanes) {
    const Lane any = lane[0] | lane[1] | lane[2] | lane[3];
    if ((any[0] | any[1]) == 0) continue;
    for (std::size_t i = 0; i < kLanes; ++i) lane[i] = Lane{};
  }
}

}  // namespace

TestArena::TestArena(std::size_t bytes) : bytes_(bytes), pages_(bytes / kOsPage, Page::reserved) {
  void* const mapped = mmap(nullptr, bytes + kArenaAlignment, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc{};
  const auto address = reinterpret_cast<std::uintptr_t>(mapped);
  mapped_ = mapped;
  base_ = static_cast<std::byte*>(mapped) + (kArenaAlignment - address % kArenaAlignment) % kArenaAlignment;
  forbid_access(base_, bytes_);
}

TestArena::~TestArena() {
  permit_access(base_, bytes_);
  munmap(mapped_, bytes_ + kArenaAlignment);
}

void TestArena::reset() noexcept {
  while (books_.count != 0) {
    const Reservation& last = books_.reservations[books_.count - 1];
    release(at(last.first), (last.last - last.first) * kOsPage);
  }
  books_.now_ms = 1;
  books_.processors = kProcessors;
  books_.refuse_in = books_.refuse_every = books_.refused = books_.refused_memory = books_.calls = 0;
  books_.breach = nullptr;
  books_.thread = 0;
  books_.lives = 0;
  books_.life_of = {};
  books_.ended = {};
  books_.own_caches = {};
}

template <class Visit>
void TestArena::for_each_committed(Pages among, Visit visit) const noexcept {
  for (std::size_t page = among.first; page < among.last;) {
    std::size_t end = page;
    while (end < among.last && pages_[end] == Page::committed) ++end;
    if (end != page) visit(Pages{page, end});
    page = std::max(end, page + 1);
  }
}

void TestArena::save() {
  saved_books_ = books_;
  saved_pages_.assign(pages_.begin(), pages_.begin() + static_cast<std::ptrdiff_t>(books_.next_page));
  std::size_t bytes = 0;
  for_each_committed({0, books_.next_page}, [&](Pages pages) { bytes += pages.bytes(); });
  if (saved_bytes_.size() < bytes) saved_bytes_.resize(bytes);
  std::byte* to = saved_bytes_.data();
  for_each_committed({0, books_.next_page}, [&](Pages pages) {
    std::memcpy(to, at(pages.first), pages.bytes());
    to += pages.bytes();
  });
}

// What was not committed reads as zero once it is.
void TestArena::restore() noexcept {
  const std::size_t last = std::max(books_.next_page, saved_books_.next_page);
  for_each_committed({0, last}, [&](Pages pages) {
    for (std::size_t page = pages.first; page < pages.last; ++page)
      if (page >= saved_pages_.size() || saved_pages_[page] != Page::committed) zero({page, page + 1});
  });
  forbid_access(base_, last * kOsPage);
  set({0, last}, Page::reserved);
  std::copy(saved_pages_.begin(), saved_pages_.end(), pages_.begin());
  books_ = saved_books_;
  const std::byte* from = saved_bytes_.data();
  for_each_committed({0, books_.next_page}, [&](Pages pages) {
    permit_access(at(pages.first), pages.bytes());
    std::memcpy(at(pages.first), from, pages.bytes());
    from += pages.bytes();
  });
}

bool TestArena::is_refused() noexcept {
  ++books_.calls;
  if (books_.refuse_in == 0) return false;
  --books_.refuse_in;
  if (books_.refuse_in != 0) return false;
  books_.refuse_in = books_.refuse_every;
  ++books_.refused;
  return true;
}

bool TestArena::is_memory_refused() noexcept {
  const bool refused = is_refused();
  books_.refused_memory += refused ? 1 : 0;
  return refused;
}

bool TestArena::is_accessible(const std::byte* where, std::size_t bytes) const noexcept {
  if (where < base_ || where > last() || bytes > static_cast<std::size_t>(last() - where)) return false;
  const auto offset = static_cast<std::size_t>(where - base_);
  return all_are({offset / kOsPage, (offset + bytes + kOsPage - 1) / kOsPage}, Page::committed, Page::committed);
}

std::size_t TestArena::accessible_bytes(const std::byte* from, const std::byte* to) const noexcept {
  const auto page_of = [this](const std::byte* at) { return pages_.begin() + (at - base_) / std::ptrdiff_t{kOsPage}; };
  return static_cast<std::size_t>(std::count(page_of(from), page_of(to), Page::committed)) * kOsPage;
}

std::byte* TestArena::reserve(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes == 0 || bytes % kOsPage != 0 || alignment % kOsPage != 0) {
    breach("reserve of no whole pages");
    return nullptr;
  }
  if (is_memory_refused()) return nullptr;
  const std::size_t step = std::max(alignment, kOsPage) / kOsPage;
  const std::size_t first = (books_.next_page + step - 1) / step * step;
  if (alignment > kArenaAlignment || books_.count == kReservations || first > pages_.size() ||
      bytes / kOsPage > pages_.size() - first)
    return nullptr;
  books_.next_page = first + bytes / kOsPage;
  books_.reservations[books_.count++] = Reservation{first, books_.next_page, books_.next_page, first};
  return at(first);
}

const std::byte* TestArena::reserved_from(const std::byte* at) const noexcept {
  for (std::size_t i = 0; i < books_.count; ++i) {
    const Reservation& one = books_.reservations[i];
    if (at >= this->at(one.first) && at < this->at(one.last)) return this->at(one.first);
  }
  return nullptr;
}

TestArena::Reservation* TestArena::find(const std::byte* where, std::size_t bytes, Pages& pages,
                                        const char* what) noexcept {
  const auto offset = static_cast<std::size_t>(where - base_);
  if (where < base_ || offset >= bytes_ || bytes > bytes_ - offset || (offset | bytes) % kOsPage != 0) {
    breach(what);
    return nullptr;
  }
  pages = {offset / kOsPage, (offset + bytes) / kOsPage};
  for (std::size_t i = 0; i < books_.count; ++i) {
    Reservation& one = books_.reservations[i];
    if (one.first <= pages.first && pages.last <= one.last) return &one;
  }
  breach(what);
  return nullptr;
}

void TestArena::release(std::byte* where, std::size_t bytes) noexcept {
  Pages pages{};
  Reservation* const one = find(where, bytes, pages, "release of what is not reserved");
  if (one == nullptr) return;
  if (one->first != pages.first || one->last != pages.last) return breach("release of a part of a reservation");
  const Pages touched{one->touched_first, std::max(one->touched_first, one->touched_last)};
  zero(touched);
  forbid_access(at(touched.first), touched.bytes());
  set(touched, Page::reserved);
  std::move(one + 1, books_.reservations.data() + books_.count, one);
  --books_.count;
  books_.next_page = 0;
  for (std::size_t i = 0; i < books_.count; ++i)
    books_.next_page = std::max(books_.next_page, books_.reservations[i].last);
}

bool TestArena::commit(std::byte* where, std::size_t bytes) noexcept {
  Pages pages{};
  Reservation* const one = find(where, bytes, pages, "commit outside of a reservation");
  if (one == nullptr || is_memory_refused()) return false;
  for (std::size_t page = pages.first; page < pages.last; ++page) {
    if (pages_[page] == Page::guarded || pages_[page] == Page::closed) breach("commit of a guarded page");
    if (pages_[page] == Page::reserved) permit_access(at(page), kOsPage);
    pages_[page] = Page::committed;
  }
  one->touched_first = std::min(one->touched_first, pages.first);
  one->touched_last = std::max(one->touched_last, pages.last);
  return true;
}

bool TestArena::purge(std::byte* where, std::size_t bytes) noexcept {
  Pages pages{};
  if (find(where, bytes, pages, "purge outside of a reservation") == nullptr || is_refused()) return false;
  if (!all_are(pages, Page::committed, Page::committed)) breach("purge of pages that are not committed");
  zero(pages);
  return true;
}

bool TestArena::guard(std::byte* where, std::size_t bytes) noexcept {
  Pages pages{};
  if (find(where, bytes, pages, "guard outside of a reservation") == nullptr || is_refused()) return false;
  if (!all_are(pages, Page::committed, Page::guarded)) breach("guard of pages that are not committed");
  forbid(pages, Page::guarded);
  return true;
}

bool TestArena::unguard(std::byte* where, std::size_t bytes) noexcept {
  Pages pages{};
  if (find(where, bytes, pages, "unguard outside of a reservation") == nullptr || is_refused()) return false;
  if (!all_are(pages, Page::guarded, Page::guarded)) breach("unguard of pages that are not guarded");
  permit(pages);
  return true;
}

// What closes may be another call than what guards: under a closed page a guard would stay.
bool TestArena::close(std::byte* where, std::size_t bytes) noexcept {
  Pages pages{};
  if (find(where, bytes, pages, "close outside of a reservation") == nullptr || is_refused()) return false;
  if (!all_are(pages, Page::committed, Page::committed)) breach("close of pages that are not committed, or guarded");
  forbid(pages, Page::closed);
  return true;
}

bool TestArena::open(std::byte* where, std::size_t bytes) noexcept {
  Pages pages{};
  if (find(where, bytes, pages, "open outside of a reservation") == nullptr || is_refused()) return false;
  if (!all_are(pages, Page::closed, Page::closed)) breach("open of pages that are not closed");
  permit(pages);
  return true;
}

bool TestArena::move(std::byte* from, std::byte* to, std::size_t bytes) noexcept {
  Pages source{};
  Pages target{};
  if (find(from, bytes, source, "move from outside of a reservation") == nullptr) return false;
  if (find(to, bytes, target, "move to outside of a reservation") == nullptr || is_refused()) return false;
  if (!all_are(source, Page::committed, Page::committed) || !all_are(target, Page::committed, Page::committed)) {
    breach("move of pages that are not committed");
    return false;
  }
  if (source.first < target.last && target.first < source.last) {
    breach("move onto itself");
    return false;
  }
  std::memcpy(to, from, bytes);
  zero(source);
  return true;
}

bool TestArena::all_are(Pages pages, Page state, Page other) const noexcept {
  const auto first = pages_.begin() + static_cast<std::ptrdiff_t>(pages.first);
  return std::all_of(first, first + static_cast<std::ptrdiff_t>(pages.last - pages.first),
                     [=](Page page) { return page == state || page == other; });
}

void TestArena::set(Pages pages, Page state) noexcept {
  const auto first = pages_.begin() + static_cast<std::ptrdiff_t>(pages.first);
  std::fill(first, first + static_cast<std::ptrdiff_t>(pages.last - pages.first), state);
}

void TestArena::forbid(Pages pages, Page state) noexcept {
  zero(pages);
  forbid_access(at(pages.first), pages.bytes());
  set(pages, state);
}
void TestArena::permit(Pages pages) noexcept {
  permit_access(at(pages.first), pages.bytes());
  set(pages, Page::committed);
}

// Of committed pages; all others are zero.
void TestArena::zero(Pages pages) noexcept {
  for_each_committed(pages, [this](Pages run) {
    const std::size_t start_ends = std::clamp(kStartPages, run.first, run.last);
    zero_touched(at(run.first), (start_ends - run.first) * kOsPage);
    const std::size_t bytes = (run.last - start_ends) * kOsPage;
    if (bytes > kZeroByHand && madvise(at(start_ends), bytes, MADV_DONTNEED) == 0) return;
    zero_touched(at(start_ends), bytes);
  });
}

}  // namespace trestle::ops
