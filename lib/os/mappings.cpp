#include "os/mappings.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <span>
#include <string_view>

#include "base/arith.hpp"
#include "base/string.hpp"
#include "os/os.hpp"
#include "os/uncancelled.hpp"

namespace trestle::os {
namespace {

// "55d0a0c0f000-55d0a0c10000 rw-p 00000000 08:01 1234   /path"
bool parse(std::string_view line, Mapping& mapping, bool& is_readable) noexcept {
  const char* const start = line.data();
  const char* const end = start + line.size();
  const auto [dash, first] = std::from_chars(start, end, mapping.begin, 16);
  if (first != std::errc{} || dash == end || *dash != '-') return false;
  const auto [blank, second] = std::from_chars(dash + 1, end, mapping.end, 16);
  if (second != std::errc{} || end - blank < 5 || *blank != ' ') return false;
  is_readable = blank[1] == 'r';
  mapping.is_writable = blank[2] == 'w';
  mapping.is_shared = blank[4] == 's';
  mapping.is_of_file = line.find('/') != std::string_view::npos;
  mapping.is_first_stack = line.ends_with("[stack]");
  return true;
}

// A line after the other.
class Reader {
 public:
  Reader(void (*visit)(const Mapping& mapping, void* context), void* context) noexcept
      : visit_(visit), context_(context) {}
  bool read(std::string_view line) noexcept {
    Mapping mapping{};
    bool is_readable = false;
    if (!parse(line, mapping, is_readable)) return false;
    mapping.guard_begin = mapping.begin == closed_.end ? closed_.begin : 0;
    if (is_readable)
      visit_(mapping, context_);
    else
      closed_ = mapping;
    return true;
  }

 private:
  void (*visit_)(const Mapping& mapping, void* context);
  void* context_;
  Mapping closed_{};  // the last one that cannot be read
};

// Of Linux 6.7, not yet in the C library's headers: which pages of a range have what, by runs. Where nothing is, nothing is
// looked at.
struct Scan {
  std::uint64_t size = sizeof(Scan);
  std::uint64_t flags = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t walked_to = 0;
  std::uint64_t runs = 0;  // where they go
  std::uint64_t run_count = 0;
  std::uint64_t most_pages = 0;
  std::uint64_t inverted = 0;  // of the categories those that are not to be
  std::uint64_t all_of = 0;
  std::uint64_t any_of = 0;
  std::uint64_t told = 0;
};
constexpr std::uint64_t kScanFile = 1U << 2;
constexpr std::uint64_t kScanPresent = 1U << 3;
constexpr std::uint64_t kScanSwapped = 1U << 4;
constexpr unsigned long kScanCall = _IOWR('f', 16, Scan);

constexpr std::uint64_t kPresent = std::uint64_t{1} << 63;
constexpr std::uint64_t kSwapped = std::uint64_t{1} << 62;
constexpr std::uint64_t kOfFile = std::uint64_t{1} << 61;  // or shared

}  // namespace

bool for_each_readable_mapping(MappingsRoom& text, void (*visit)(const Mapping& mapping, void* context),
                               void* context) noexcept {
  const int kept = errno;
  const int file = open_file("/proc/thread-self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    errno = kept;
    return false;
  }
  std::size_t filled = 0;
  bool whole = true;
  Reader reader(visit, context);
  for (;;) {
    const ssize_t more = read_file(file, text.data() + filled, text.size() - filled);
    if (more < 0 && errno == EINTR) continue;
    whole = whole && more >= 0;
    if (more <= 0) break;
    filled += static_cast<std::size_t>(more);
    std::string_view rest(text.data(), filled);
    for (auto at = rest.find('\n'); at != std::string_view::npos; at = rest.find('\n')) {
      whole = reader.read(before(rest, '\n')) && whole;
      rest.remove_prefix(at + 1);
    }
    std::memmove(text.data(), rest.data(), rest.size());
    filled = rest.size();
  }
  close_file(file);
  errno = kept;
  return whole && filled == 0;
}

// The process's own folder is empty when its first thread has ended, hence the thread's.
HeldPages::HeldPages(Room& room) noexcept : room_(room) {
  const int kept = errno;
  file_ = open_file("/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC);
  errno = kept;
}
HeldPages::~HeldPages() {
  if (file_ >= 0) close_file(file_);
}

// False: the kernel has no such call.
bool HeldPages::scan_runs(std::uintptr_t begin, std::uintptr_t end,
                          void (*visit)(std::uintptr_t begin, std::uintptr_t end, void* context),
                          void* context) const noexcept {
  Scan scan{.begin = begin,
            .end = end,
            .runs = address_of(room_.runs.data()),
            .run_count = room_.runs.size(),
            .inverted = kScanFile,
            .all_of = kScanFile,
            .any_of = kScanPresent | kScanSwapped,
            .told = kScanPresent};
  while (scan.begin < end) {
    const int count = ioctl(file_, kScanCall, &scan);
    if (count < 0) return false;
    for (const Run& run : std::span(room_.runs).first(static_cast<std::size_t>(count)))
      visit(run.begin, run.end, context);
    scan.begin = scan.walked_to;
  }
  return true;
}

// Of the pages from there on; how many were told of, 0 where none is. What this process has mapped of shared memory is not all
// that it holds: a child of fork has none of it at first.
std::size_t HeldPages::ask(bool is_shared, std::uintptr_t at, std::span<bool> held) const noexcept {
  if (is_shared) {
    std::array<unsigned char, kAtOnce>& pages = room_.present;
    if (mincore(reinterpret_cast<void*>(at), held.size() * kOsPage, pages.data()) != 0) return 0;
    for (std::size_t i = 0; i < held.size(); ++i) held[i] = (pages[i] & 1U) != 0;
    return held.size();
  }
  std::array<std::uint64_t, kAtOnce>& pages = room_.entries;
  const ssize_t bytes = read_file_at(file_, pages.data(), held.size() * sizeof pages[0],
                                     static_cast<off_t>(at / kOsPage * sizeof pages[0]));
  const std::size_t told = bytes > 0 ? static_cast<std::size_t>(bytes) / sizeof pages[0] : 0;
  for (std::size_t i = 0; i < told; ++i) held[i] = (pages[i] & (kPresent | kSwapped)) != 0 && (pages[i] & kOfFile) == 0;
  return told;
}

void HeldPages::for_each_run(const Mapping& mapping, std::uintptr_t begin, std::uintptr_t end,
                             void (*visit)(std::uintptr_t begin, std::uintptr_t end, void* context),
                             void* context) const noexcept {
  if (mapping.is_shared && !mapping.is_writable) return;
  const int kept = errno;
  if (!mapping.is_shared && scan_runs(begin, end, visit, context)) {
    errno = kept;
    return;
  }
  std::array<bool, kAtOnce>& held = room_.held;
  std::uintptr_t run = begin;  // where one begins
  std::uintptr_t at = begin;
  while (at < end) {
    const std::size_t told = ask(mapping.is_shared, at, std::span(held).first(std::min(kAtOnce, (end - at) / kOsPage)));
    if (told == 0) break;
    for (std::size_t i = 0; i < told; ++i, at += kOsPage) {
      if (held[i]) continue;
      if (run < at) visit(run, at, context);
      run = at + kOsPage;
    }
  }
  if (at < end && (mapping.is_writable || !mapping.is_of_file)) at = end;
  if (run < at) visit(run, at, context);
  errno = kept;
}

}  // namespace trestle::os
