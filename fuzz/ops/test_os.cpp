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
  while (count_ != 0) {
    const Reservation& last = reservations_[count_ - 1];
    release(at(last.first), (last.last - last.first) * kOsPage);
  }
  now_ms_ = 1;
  refuse_in_ = refuse_every_ = refused_ = calls_ = 0;
  breach_ = nullptr;
}

bool TestArena::is_refused() noexcept {
  ++calls_;
  if (refuse_in_ == 0 || --refuse_in_ != 0) return false;
  refuse_in_ = refuse_every_;
  ++refused_;
  return true;
}

bool TestArena::is_accessible(const std::byte* where, std::size_t bytes) const noexcept {
  if (where < base_ || where > last() || bytes > static_cast<std::size_t>(last() - where)) return false;
  const auto offset = static_cast<std::size_t>(where - base_);
  return all_are({offset / kOsPage, (offset + bytes + kOsPage - 1) / kOsPage}, Page::committed, Page::committed);
}

std::byte* TestArena::reserve(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes == 0 || bytes % kOsPage != 0 || alignment % kOsPage != 0) {
    breach("reserve of no whole pages");
    return nullptr;
  }
  if (is_refused()) return nullptr;
  const std::size_t step = std::max(alignment, kOsPage) / kOsPage;
  const std::size_t first = (next_page_ + step - 1) / step * step;
  if (alignment > kArenaAlignment || count_ == kReservations || first > pages_.size() ||
      bytes / kOsPage > pages_.size() - first)
    return nullptr;
  next_page_ = first + bytes / kOsPage;
  reservations_[count_++] = Reservation{first, next_page_, next_page_, first};
  return at(first);
}

TestArena::Reservation* TestArena::find(const std::byte* where, std::size_t bytes, Pages& pages,
                                        const char* what) noexcept {
  const auto offset = static_cast<std::size_t>(where - base_);
  if (where < base_ || offset >= bytes_ || bytes > bytes_ - offset || (offset | bytes) % kOsPage != 0) {
    breach(what);
    return nullptr;
  }
  pages = {offset / kOsPage, (offset + bytes) / kOsPage};
  for (std::size_t i = 0; i < count_; ++i) {
    Reservation& one = reservations_[i];
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
  for (std::size_t page = touched.first; page < touched.last;) {
    std::size_t end = page;
    while (end < touched.last && pages_[end] == Page::committed) ++end;
    zero({page, end});
    page = std::max(end, page + 1);
  }
  forbid_access(at(touched.first), (touched.last - touched.first) * kOsPage);
  set(touched, Page::reserved);
  std::move(one + 1, reservations_.data() + count_, one);
  --count_;
  next_page_ = 0;
  for (std::size_t i = 0; i < count_; ++i) next_page_ = std::max(next_page_, reservations_[i].last);
}

bool TestArena::commit(std::byte* where, std::size_t bytes) noexcept {
  Pages pages{};
  Reservation* const one = find(where, bytes, pages, "commit outside of a reservation");
  if (one == nullptr || is_refused()) return false;
  for (std::size_t page = pages.first; page < pages.last; ++page) {
    if (pages_[page] == Page::guarded) breach("commit of a guarded page");
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
  zero(pages);
  forbid_access(where, bytes);
  set(pages, Page::guarded);
  return true;
}

bool TestArena::unguard(std::byte* where, std::size_t bytes) noexcept {
  Pages pages{};
  if (find(where, bytes, pages, "unguard outside of a reservation") == nullptr || is_refused()) return false;
  if (!all_are(pages, Page::guarded, Page::guarded)) breach("unguard of pages that are not guarded");
  permit_access(where, bytes);
  set(pages, Page::committed);
  return true;
}

bool TestArena::move(std::byte* from, std::byte* to, std::size_t bytes) noexcept {
  Pages source{};
  Pages target{};
  if (find(from, bytes, source, "move from outside of a reservation") == nullptr) return false;
  if (find(to, bytes, target, "move to outside of a reservation") == nullptr || is_refused()) return false;
  if (!all_are(source, Page::committed, Page::committed) || !all_are(target, Page::committed, Page::committed))
    breach("move of pages that are not committed");
  if (source.first < target.last && target.first < source.last) {
    breach("move onto itself");
    return false;
  }
  permit_access(from, bytes);
  permit_access(to, bytes);
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

void TestArena::zero(Pages pages) noexcept {
  permit_access(at(pages.first), (pages.last - pages.first) * kOsPage);
  const std::size_t start_ends = std::clamp(kStartPages, pages.first, pages.last);
  std::memset(at(pages.first), 0, (start_ends - pages.first) * kOsPage);
  const std::size_t bytes = (pages.last - start_ends) * kOsPage;
  if (bytes > kZeroByHand && madvise(at(start_ends), bytes, MADV_DONTNEED) == 0) return;
  std::memset(at(start_ends), 0, bytes);
}

}  // namespace trestle::ops
