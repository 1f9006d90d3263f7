#include "trace/recorder/trace_file.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "trace/format.hpp"

namespace trestle::trace {
namespace {

constexpr unsigned kMostImages = 1000;  // that one process becomes, by exec

constinit std::array<char, 4096> path{};
constinit FileHeader* header = nullptr;
constinit struct stat identity = {};
constinit off_t end = kPage;
constinit std::atomic_flag is_taking{};

class Turn {
 public:
  Turn() noexcept {
    while (is_taking.test_and_set(std::memory_order_acquire)) sched_yield();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { is_taking.clear(std::memory_order_release); }
};

// Whole words by one call each: no buffer, no stream.
void complain(const char* why) noexcept {
  const char* const name = path.data();
  for (const char* const word : {"trestle record: ", name, ": ", why, "; nothing more is recorded\n"}) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, word, std::strlen(word));
  }
}

void append(const char* text) noexcept {
  const std::size_t length = std::strlen(path.data());
  std::strncpy(path.data() + length, text, path.size() - length - 1);
}

void append_number(unsigned long number) noexcept {
  std::array<char, 24> digits{};
  std::size_t at = digits.size() - 1;
  do digits[--at] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  append(".");
  append(digits.data() + at);
}

// The first name of these that nobody has: the one asked for, with the process's id, and with a count behind that.
int make() noexcept {
  constexpr int kHow = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
  int file = ::open(path.data(), kHow, 0600);
  if (file >= 0 || errno != EEXIST) return file;
  append_number(static_cast<unsigned long>(getpid()));
  const std::size_t length = std::strlen(path.data());
  file = ::open(path.data(), kHow, 0600);
  for (unsigned image = 2; file < 0 && errno == EEXIST && image < kMostImages; ++image) {
    path[length] = '\0';
    append_number(image);
    file = ::open(path.data(), kHow, 0600);
  }
  return file;
}

void fill(FileHeader& page) noexcept {
  page.magic = kMagic;
  page.version = kVersion;
  page.byte_order = kByteOrder;
  page.process = static_cast<std::uint32_t>(getpid());
  const ssize_t length = readlink("/proc/self/exe", page.program.data(), page.program.size() - 1);
  if (length < 0) page.program[0] = '\0';
  std::uint32_t sum = kEmptySum;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(&page);
  for (std::uint32_t i = 0; i < kPage; ++i) sum = add_to_sum(sum, bytes[i]);
  page.sum = sum;
}

// Room that is there: a page of a mapped file that the disk has none for would end the program by a signal.
// So would a file that is longer than the process may write.
bool extend(int file, off_t from, off_t bytes) noexcept {
  rlimit limit = {};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < static_cast<rlim_t>(from + bytes)) {
    errno = EFBIG;
    return false;
  }
  if (fallocate(file, 0, from, bytes) == 0) return true;
  return errno == EOPNOTSUPP && ftruncate(file, from + bytes) == 0;
}

void* map(int file, off_t from, std::size_t bytes) noexcept {
  if (!extend(file, from, static_cast<off_t>(bytes))) return MAP_FAILED;
  return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, from);
}

bool is_same(int file) noexcept {
  struct stat now = {};
  return fstat(file, &now) == 0 && now.st_dev == identity.st_dev && now.st_ino == identity.st_ino && now.st_size == end;
}

}  // namespace

bool TraceFile::open() noexcept {
  const char* const wanted = std::getenv("TRESTLE_TRACE");
  if (wanted == nullptr || *wanted == '\0' || std::strlen(wanted) + 64 > path.size()) return false;
  append(wanted);
  const int file = make();
  void* const page = file < 0 ? MAP_FAILED : map(file, 0, kPage);
  const bool made = page != MAP_FAILED && fstat(file, &identity) == 0;
  if (!made) complain(std::strerror(errno));
  if (file >= 0) close(file);
  if (!made) return false;
  header = static_cast<FileHeader*>(page);
  fill(*header);
  return true;
}

unsigned char* TraceFile::take(std::uint32_t bytes) noexcept {
  const Turn turn;
  const int file = header->lost == 0 ? ::open(path.data(), O_RDWR | O_CLOEXEC) : -1;
  void* const chunk = file >= 0 && is_same(file) ? map(file, end, bytes) : MAP_FAILED;
  if (file >= 0) close(file);
  if (chunk == MAP_FAILED) {
    // From the first lost call on nothing is recorded: what came after it would be a riddle.
    if (header->lost == 0) complain("the file cannot be made longer");
    if (header->lost != UINT32_MAX) ++header->lost;
    return nullptr;
  }
  end += bytes;
  return static_cast<unsigned char*>(chunk);
}

}  // namespace trestle::trace
