#include "report/suppressions.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include "base/arith.hpp"
#include "base/string.hpp"
#include "os/linux_os.hpp"
#include "os/uncancelled.hpp"

namespace trestle {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;

std::string_view trimmed(std::string_view line) noexcept {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = line.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return {line.data() + first, line.find_last_not_of(kBlank) - first + 1};
}

// Where a comment begins: at the line's start, or behind a blank, since names may have the sign (lambda#1).
std::string_view without_comment(std::string_view line) noexcept {
  for (std::size_t at = 0; at < line.size(); ++at) {
    const bool may_begin = at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t';
    if (line[at] == '#' && may_begin) return head(line, at);
  }
  return line;
}

bool read_all(int file, std::span<std::byte> into) noexcept {
  while (!into.empty()) {
    const ssize_t bytes = os::read_file(file, into.data(), into.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(bytes));
  }
  return true;
}

}  // namespace

bool is_pattern_in(std::string_view pattern, std::string_view name) noexcept {
  const bool is_first = begins_with(pattern, "^");
  if (is_first) pattern.remove_prefix(1);
  const bool is_last = !pattern.empty() && pattern.back() == '$';
  if (is_last) pattern.remove_suffix(1);
  // Piece by piece, each as far left as it can be; the last one at the end, if it has to be.
  for (bool begins = is_first;; begins = false) {
    const std::string_view piece = before(pattern, '*');
    const bool ends = is_last && piece.size() == pattern.size();
    if (ends) {
      if (piece.size() > name.size() || !name.ends_with(piece)) return false;
      return !begins || piece.size() == name.size();
    }
    const std::size_t at = name.find(piece);
    if (at == std::string_view::npos || (begins && at != 0)) return false;
    name.remove_prefix(at + piece.size());
    if (piece.size() == pattern.size()) return true;
    pattern.remove_prefix(piece.size() + 1);
  }
}

bool Suppressions::read(const char* path) noexcept {
  const int kept = errno;
  const int file = os::open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  struct stat seen{};
  const bool is_there = file >= 0 && fstat(file, &seen) == 0 && S_ISREG(seen.st_mode);
  const auto bytes = static_cast<std::size_t>(is_there ? seen.st_size : 0);
  bool is_read = is_there && bytes <= kMostBytes;
  if (is_read && bytes != 0) {  // copied, since the file may shrink
    LinuxOs os;
    const std::size_t room = align_up(bytes, kOsPage);
    std::byte* const copy = os.reserve(room, kOsPage);
    is_read = copy != nullptr && os.commit(copy, room) && read_all(file, {copy, bytes});
    if (is_read) text_ = {reinterpret_cast<const char*>(copy), bytes};
    if (!is_read && copy != nullptr) os.release(copy, room);
  }
  if (file >= 0) os::close_file(file);
  errno = kept;
  return is_read;
}

bool Suppressions::match(std::string_view name) const noexcept {
  constexpr std::string_view kLeak = "leak:";
  for (std::string_view rest = text_; !rest.empty();) {
    const std::string_view line = before(rest, '\n');
    rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
    std::string_view pattern = trimmed(without_comment(line));
    if (begins_with(pattern, kLeak)) pattern.remove_prefix(kLeak.size());
    if (!pattern.empty() && is_pattern_in(pattern, name)) return true;
  }
  return false;
}

}  // namespace trestle
