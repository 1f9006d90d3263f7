#include "symbols.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <tuple>
#include <utility>

#include "elf_file.hpp"
#include "failure.hpp"
#include "preload.hpp"
#include "report/source.hpp"

namespace trestle::tool {
namespace {

constexpr std::size_t kMostAlive = 16;                    // processes
constexpr std::size_t kMostKnown = std::size_t{1} << 16;  // offsets of an object
// What is asked behind each offset, so that its answer's end is seen.
constexpr std::string_view kEndQuestion = "0x0";

bool is_offset(const std::string& text) {
  return text.size() > 2 && text.size() <= 18 && text.starts_with("0x") &&
         std::all_of(text.begin() + 2, text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
}

bool is_later(timespec one, timespec other) {
  return std::tie(one.tv_sec, one.tv_nsec) > std::tie(other.tv_sec, other.tv_nsec);
}

// Two addresses, and behind the second a function and a place.
bool is_whole(std::string_view answer) {
  constexpr int kLinesBehind = 2;
  int addresses = 0;
  int behind = 0;
  while (answer.find('\n') != std::string_view::npos) {
    const std::string_view line = next_line(answer);
    if (addresses == 2) ++behind;
    if (is_of_address(line) && addresses < 2) ++addresses;
    if (behind == kLinesBehind) return true;
  }
  return false;
}

// Of the first address. What stands before it came late, of what was asked behind another.
Places places_in(std::string_view answer) {
  while (!answer.empty() && !is_of_address(answer)) (void)next_line(answer);
  Places places;
  bool begun = false;
  read_answer(
      answer, [&] { return !std::exchange(begun, true); },
      [&](const SourcePlace& place) { places.push_back({std::string(place.function), std::string(place.location)}); });
  return places;
}

// Why a file at that path can tell nothing; empty: it may.
std::string obstacle_in_object(const std::string& path, timespec& changed) {
  // Not to wait where it is a pipe.
  const int file = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return "cannot open " + path + ": " + std::strerror(errno);
  struct stat about{};
  const bool is_file = fstat(file, &about) == 0 && S_ISREG(about.st_mode);
  close(file);
  changed = about.st_mtim;
  if (!is_file) return path + " is no regular file";
  const ElfFile elf(path);
  if (!elf.is_elf() || !elf.is_64_bit()) return path + " is no 64-bit ELF file";
  return "";
}

// Why a symbolizer, which was asked, told nothing.
std::string reason_for_silence(const std::string& path, const std::string& offset) {
  ElfFile file(path);
  std::uint64_t at = 0;
  std::from_chars(offset.data() + 2, offset.data() + offset.size(), at, 16);
  const bool has_code = file.has_segment([&](const Elf64_Phdr& segment) {
    return segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 && at >= segment.p_vaddr &&
           at - segment.p_vaddr < segment.p_memsz;
  });
  if (!has_code) return "it has no code at " + offset + ", so it is not the file that ran";
  if (!file.has_section([](const Elf64_Shdr& section) { return section.sh_type == SHT_SYMTAB; }))
    return "it is stripped";
  return "nothing is known of " + offset;
}

}  // namespace

std::string path_of_symbolizer(const std::string& name) {
  if (!name.empty()) {
    const auto path = find_program(name);
    if (!path) throw Failure(kNotFound, "no symbolizer: " + name + " is not in PATH");
    struct stat about{};
    if (stat(path->c_str(), &about) != 0)
      throw Failure(kNotFound, "no symbolizer: " + name + ": " + std::strerror(errno));
    if (!S_ISREG(about.st_mode) || access(path->c_str(), X_OK) != 0)
      throw Failure(kNotExecutable, "no symbolizer: " + name + " is no program that can be run");
    return *path;
  }
  std::string names;
  for (const char* const one : kSymbolizers) {
    if (const auto path = find_program(one)) return *path;
    names += (names.empty() ? "" : " nor ") + std::string(one);
  }
  throw Failure(kNotFound, "no symbolizer: neither " + names + " is in PATH; --symbolizer names another");
}

const Places& Symbols::places_of(const std::string& name, const std::string& offset) {
  if (!is_offset(offset)) return none_;
  Object& object = object_of(name);
  if (object.obstacle.empty() && !file_.empty() && is_later(object.changed, written_)) object.older_file = file_;
  auto found = object.known.find(offset);
  if (found == object.known.end()) {
    if (object.known.size() >= kMostKnown) object.known.clear();
    found = object.known.emplace(offset, Places()).first;
    if (object.obstacle.empty()) ask(object, offset);
  }
  if (found->second.empty()) {
    ++object.unknown;
    if (object.reason.empty()) object.reason = object.obstacle;
    if (object.reason.empty()) object.reason = reason_for_silence(object.path, offset);
  }
  return found->second;
}

Symbols::Object& Symbols::object_of(const std::string& name) {
  const auto [at, is_new] = objects_.try_emplace(name);
  if (is_new) open(at->second, name);
  return at->second;
}

void Symbols::open(Object& object, const std::string& name) const {
  object.path = source_.root + name;
  if (!name.starts_with('/') || name.find('\0') != std::string::npos)
    object.obstacle = "it is no absolute path";
  else
    object.obstacle = obstacle_in_object(object.path, object.changed);
}

void Symbols::ask(Object& object, const std::string& offset) {
  if (!too_slow_.empty()) {
    object.obstacle = "not asked for, since " + source_.symbolizer + " took too long over " + too_slow_;
    return;
  }
  object.last_asked = ++questions_;
  if (object.dialogue == nullptr) start(object);
  if (object.dialogue == nullptr) return;
  const std::string question = offset + "\n" + std::string(kEndQuestion) + "\n";
  object.known[offset] = places_in(object.dialogue->ask(question, source_.patience, is_whole));
  if (object.dialogue->trouble().empty()) return;
  object.obstacle = source_.symbolizer + " " + object.dialogue->trouble();
  if (object.dialogue->is_late()) too_slow_ = object.path;
  object.dialogue.reset();
}

void Symbols::start(Object& object) {
  end_the_oldest();
  std::vector<std::string> words;
  for_each_word(source_.symbolizer.c_str(), object.path.c_str(), [&](const char* word) { words.emplace_back(word); });
  try {
    object.dialogue = std::make_unique<Dialogue>(words);
  } catch (const Failure& failure) {
    object.obstacle = failure.what();
  }
}

// Some may be large. It is started again where its object comes again.
void Symbols::end_the_oldest() {
  Object* oldest = nullptr;
  std::size_t alive = 0;
  for (auto& [name, object] : objects_) {
    if (object.dialogue == nullptr) continue;
    ++alive;
    if (oldest == nullptr || object.last_asked < oldest->last_asked) oldest = &object;
  }
  if (alive >= kMostAlive) oldest->dialogue.reset();
}

void Symbols::reports_are_of(const std::string& file, timespec written) {
  file_ = file;
  written_ = written;
}

std::vector<std::string> Symbols::warnings() const {
  std::vector<std::string> lines;
  for (const auto& [name, object] : objects_) {
    const std::string newer = "it changed after " + object.older_file + " was written";
    if (object.unknown != 0) {
      lines.push_back(name + ": " + std::to_string(object.unknown) +
                      (object.unknown == 1 ? " frame stays as it is: " : " frames stay as they are: ") + object.reason +
                      (object.older_file.empty() ? "" : "; " + newer));
    } else if (!object.older_file.empty()) {
      lines.push_back(name + ": " + newer + ": its functions and lines may be another build's");
    }
  }
  return lines;
}

}  // namespace trestle::tool
