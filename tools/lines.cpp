#include "lines.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "failure.hpp"

namespace trestle::tool {
namespace {

class Lines {
 public:
  explicit Lines(const LineVisitor& visitor) : visitor_(visitor) {}

  void add(std::string_view part) {
    for (std::size_t end = part.find('\n'); end != std::string_view::npos; end = part.find('\n')) {
      add_last_of_line(part.substr(0, end + 1));
      part.remove_prefix(end + 1);
    }
    if (is_too_long_) return visitor_.piece(part);
    begun_.append(part);
    if (begun_.size() <= kLongestLine) return;
    is_too_long_ = true;
    visitor_.piece(begun_);
    begun_.clear();
  }
  void end() {
    if (!begun_.empty()) visitor_.line(begun_, "");
    begun_.clear();
  }

 private:
  void add_last_of_line(std::string_view part) {
    if (is_too_long_) {
      visitor_.piece(part);
    } else if (begun_.empty()) {
      visit(part);
    } else {
      begun_.append(part);
      visit(begun_);
      begun_.clear();
    }
    is_too_long_ = false;
  }
  void visit(std::string_view whole) {
    const std::size_t end = whole.ends_with("\r\n") ? 2 : 1;
    visitor_.line(whole.substr(0, whole.size() - end), whole.substr(whole.size() - end));
  }

  const LineVisitor& visitor_;
  std::string begun_;
  bool is_too_long_ = false;
};

}  // namespace

void for_each_line(int file, const std::string& name, const LineVisitor& visitor) {
  constexpr std::size_t kPart = std::size_t{64} << 10;
  std::string part(kPart, '\0');
  Lines lines(visitor);
  for (;;) {
    const ssize_t got = read(file, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) lines.end();
    if (got < 0) throw Failure(1, "cannot read " + name + ": " + std::strerror(errno));
    if (got == 0) return visitor.pause();
    lines.add({part.data(), static_cast<std::size_t>(got)});
    visitor.pause();
  }
}

}  // namespace trestle::tool
