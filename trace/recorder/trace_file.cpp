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
constinit off_t end_of_file = kPage;
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

// The pages, or the program's end, into a file's state; neither undoes the other.
std::uint64_t with_end(std::uint64_t state) noexcept { return Extent{Extent::of(state).pages, true}.as_number(); }
std::uint64_t with_pages(std::uint64_t state, off_t bytes) noexcept {
  return Extent{static_cast<std::uint32_t>(bytes / kPage), Extent::of(state).has_ended}.as_number();
}

template <class Change>
void change_state(Change change) noexcept {
  const std::atomic_ref<std::uint64_t> state(header->state);
  std::uint64_t old = state.load();
  while (!state.compare_exchange_weak(old, change(old))) {
  }
}

// A file that is there may be what this process wrote before it became this program: that one has ended in order.
void end_former() noexcept {
  const int file = ::open(path.data(), O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  std::array<char, offsetof(FileHeader, program)> bytes;
  FileHeader former;
  const bool is_read = pread(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
  std::memcpy(&former, bytes.data(), bytes.size());
  if (is_read && former.magic == kMagic && former.version == kVersion && Extent::is_one(former.state) &&
      former.process == static_cast<std::uint32_t>(getpid())) {
    const std::uint64_t state = with_end(former.state);
    [[maybe_unused]] const ssize_t written = pwrite(file, &state, sizeof state, offsetof(FileHeader, state));
  }
  close(file);
}

// Negative where the name is taken, or cannot be.
int make_named() noexcept {
  const int file = ::open(path.data(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0 && errno == EEXIST) {
    end_former();
    errno = EEXIST;
  }
  return file;
}

// The first name of these that nobody has: the one asked for, with the process's id, and with a count behind that.
int make() noexcept {
  int file = make_named();
  if (file >= 0 || errno != EEXIST) return file;
  append_number(static_cast<unsigned long>(getpid()));
  const std::size_t length = std::strlen(path.data());
  file = make_named();
  for (unsigned image = 2; file < 0 && errno == EEXIST && image < kMostImages; ++image) {
    path[length] = '\0';
    append_number(image);
    file = make_named();
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
  page.sum = sum_of(page);
  page.state = Extent{1, false}.as_number();
}

// A file that could not be made longer ends as it did before. False, and errno as it was.
bool shorten(int file, off_t to) noexcept {
  const int error = errno;
  [[maybe_unused]] const int done = ftruncate(file, to);
  errno = error;
  return false;
}

// Room that is there: a page of a mapped file that the disk has none for would end the program by a signal.
// So would a file that is longer than the process may write. Zeros are written, which costs a quarter of what it costs the
// kernel to make pages for bytes that were only reserved.
bool extend(int file, off_t from, std::size_t bytes) noexcept {
  static constinit std::array<char, kUsualChunk> zeros{};  // not constant, so that the library's file does not hold it
  rlimit limit = {};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < static_cast<rlim_t>(from) + bytes) {
    errno = EFBIG;
    return false;
  }
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t written = pwrite(file, zeros.data(), bytes - done, from + static_cast<off_t>(done));
    if (written > 0) done += static_cast<std::size_t>(written);
    if (written == 0) errno = ENOSPC;
    if (written == 0 || (written < 0 && errno != EINTR)) return shorten(file, from);
  }
  return true;
}

// At most kUsualChunk bytes.
void* map(int file, off_t from, std::size_t bytes) noexcept {
  if (!extend(file, from, bytes)) return MAP_FAILED;
  void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, from);
  // All at once is cheaper than a fault each; where the kernel cannot do it, they fault.
  if (at != MAP_FAILED) madvise(at, bytes, MADV_POPULATE_WRITE);
  return at;
}

bool is_same(int file) noexcept {
  struct stat now = {};
  return fstat(file, &now) == 0 && now.st_dev == identity.st_dev && now.st_ino == identity.st_ino &&
         now.st_size == end_of_file;
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

// The next chunk comes behind one that has begun, so zeros are never between chunks.
ChunkWriter TraceFile::take(std::uint32_t bytes, ChunkKind kind, std::uint32_t thread, std::uint64_t after) noexcept {
  const Turn turn;
  ChunkWriter begun;
  const int file = header->lost == 0 ? ::open(path.data(), O_RDWR | O_CLOEXEC) : -1;
  void* const chunk = file >= 0 && is_same(file) ? map(file, end_of_file, bytes) : MAP_FAILED;
  if (file >= 0) close(file);
  if (chunk == MAP_FAILED) {
    // From the first lost call on nothing is recorded: what came after it would be a riddle.
    if (header->lost == 0) complain("the file cannot be made longer");
    if (header->lost != UINT32_MAX) ++header->lost;
    return begun;
  }
  begun.begin(static_cast<unsigned char*>(chunk), bytes, kind, thread, static_cast<std::uint64_t>(end_of_file), after);
  end_of_file += bytes;
  change_state([](std::uint64_t state) { return with_pages(state, end_of_file); });
  return begun;
}

void TraceFile::end() noexcept {
  if (header == nullptr || header->process != static_cast<std::uint32_t>(getpid())) return;
  change_state(with_end);
}

}  // namespace trestle::trace
