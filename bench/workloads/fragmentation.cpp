// Memory that is given back, or not: objects of 16 to 512 B are made, a random 90 % of them freed, objects of another size
// made and half of them freed, malloc_trim called, and a second waited. The resident set is told over time, and at its end
// beside the pages that live bytes lie on, below which no allocator can come that cannot move objects.
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "../support/workload.hpp"

namespace {

constexpr std::size_t kPage = 4096;

struct Object {
  unsigned char* block;
  std::uint32_t bytes;
  std::uint32_t mark;
};

// An array that is the program's own, not the allocator's.
template <class T>
class Table {
 public:
  explicit Table(std::size_t capacity) : capacity_(capacity) {
    void* const at =
        mmap(nullptr, capacity * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    bench::require(at != MAP_FAILED, "no memory for the program's own table");
    items_ = static_cast<T*>(at);
  }
  void push(const T& item) {
    bench::require(count_ < capacity_, "the program's own table is full");
    items_[count_++] = item;
  }
  void cut_to(std::size_t count) { count_ = count; }
  T& operator[](std::size_t i) { return items_[i]; }
  [[nodiscard]] std::size_t size() const { return count_; }
  T* begin() { return items_; }
  T* end() { return items_ + count_; }

 private:
  T* items_;
  std::size_t capacity_;
  std::size_t count_ = 0;
};

const bench::Stopwatch watch;

// Of this process, in KiB, read without an allocation.
double resident_kib() {
  std::array<char, 128> text{};
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  const ssize_t got = read(file, text.data(), text.size() - 1);
  close(file);
  bench::require(got > 0, "cannot read /proc/self/statm");
  const char* const second = std::strchr(text.data(), ' ');
  return static_cast<double>(std::strtoull(second, nullptr, 10)) * kPage / 1024;
}

void sample() { std::printf("rss %.1f %.0f\n", watch.nanoseconds() / 1e6, resident_kib()); }

void grow(Table<Object>& live, bench::Random& random, std::size_t count, std::size_t low, std::size_t high) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t bytes = random.between(low, high);
    auto* const block = static_cast<unsigned char*>(std::malloc(bytes));
    bench::require(block != nullptr, "no memory");
    std::memset(block, static_cast<int>(i & 0xff), bytes);
    live.push({block, static_cast<std::uint32_t>(bytes), static_cast<std::uint32_t>(i)});
    if (i % (count / 16 + 1) == 0) sample();
  }
  sample();
}

// Of the objects from `first` on, frees all but one in `keep`.
void thin_out(Table<Object>& live, bench::Random& random, std::size_t first, std::size_t keep) {
  const std::size_t before = live.size();
  std::size_t kept = first;
  for (std::size_t i = first; i < before; ++i) {
    const Object object = live[i];
    if (random.below(keep) == 0) {
      live[kept++] = object;
    } else {
      bench::vet(object.block, object.bytes, object.mark);
      std::free(object.block);
    }
    if (i % (before / 16 + 1) == 0) sample();
  }
  live.cut_to(kept);
  sample();
}

// Pages that hold a byte of a live object.
std::size_t live_pages(Table<Object>& live, Table<std::uintptr_t>& pages) {
  pages.cut_to(0);
  for (const Object& object : live) {
    const auto start = reinterpret_cast<std::uintptr_t>(object.block);
    for (std::uintptr_t page = start / kPage; page <= (start + object.bytes - 1) / kPage; ++page) pages.push(page);
  }
  std::sort(pages.begin(), pages.end());
  return static_cast<std::size_t>(std::unique(pages.begin(), pages.end()) - pages.begin());
}

void idle() {
  for (int i = 0; i < 6; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    std::free(std::malloc(64));  // an allocator that gives memory back when it is called is given the chance
    sample();
  }
}

}  // namespace

int main() {
  const std::size_t small = bench::work(800'000);
  const std::size_t others = bench::work(40'000);
  bench::Random random(5);
  Table<Object> live(small + others);
  Table<std::uintptr_t> pages(2 * (small + others));
  for (std::size_t i = 0; i < 2 * (small + others); ++i) pages.push(0);
  std::printf("begin\n");  // stdio's buffer is there before the first sample
  const double before = resident_kib();
  grow(live, random, small, 16, 512);
  const double grown = resident_kib();
  thin_out(live, random, 0, 10);
  const double thinned = resident_kib();
  const std::size_t survivors = live.size();
  grow(live, random, others, 600, 1800);
  const double regrown = resident_kib();
  thin_out(live, random, survivors, 2);
  malloc_trim(0);
  const double trimmed = resident_kib();
  sample();
  idle();
  const double rested = resident_kib();
  const double live_kib = static_cast<double>(live_pages(live, pages) * kPage) / 1024;
  std::uint64_t bytes = 0;
  for (const Object& object : live) {
    bench::vet(object.block, object.bytes, object.mark);
    bytes += object.bytes;
  }
  bench::figure("grown_kib", grown - before);
  bench::figure("thinned_kib", thinned - before);
  bench::figure("regrown_kib", regrown - before);
  bench::figure("trimmed_kib", trimmed - before);
  bench::figure("rested_kib", rested - before);
  bench::figure("live_pages_kib", live_kib);
  bench::figure("trimmed_to_live_pages", (trimmed - before) / live_kib);
  bench::answer("live bytes", bytes);
}
