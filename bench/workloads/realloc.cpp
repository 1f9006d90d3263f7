// Buffers that grow: 64 of them in turns, each to 1 MiB by a quarter at a time, as strings and vectors do; and one that grows
// to 64 MiB by 2 MiB at a time. What was written before a growth must be there after it.
#include <array>

#include "../support/workload.hpp"

namespace {

class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(bytes_); }

  void grow_to(std::size_t size) {
    auto* const moved = static_cast<unsigned char*>(std::realloc(bytes_, size));
    bench::require(moved != nullptr, "no memory");
    for (std::size_t at = 0; at < size_; at += 4096) {
      bench::require(moved[at] == mark(at), "realloc lost what was written");
    }
    for (std::size_t at = size_ + (4096 - size_ % 4096) % 4096; at < size; at += 4096) moved[at] = mark(at);
    bytes_ = moved;
    size_ = size;
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static unsigned char mark(std::size_t at) { return static_cast<unsigned char>(at / 4096 * 31 + 1); }

  unsigned char* bytes_ = nullptr;
  std::size_t size_ = 0;
};

std::uint64_t grow_many(bench::Random& random) {
  std::array<Buffer, 64> buffers;
  std::uint64_t growths = 0;
  for (std::size_t done = 0; done < buffers.size();) {
    Buffer& buffer = buffers[random.below(buffers.size())];
    if (buffer.size() >= 1U << 20) continue;
    buffer.grow_to(buffer.size() + buffer.size() / 4 + random.between(16, 64));
    ++growths;
    if (buffer.size() >= 1U << 20) ++done;
  }
  return growths;
}

void grow_one() {
  Buffer buffer;
  for (std::size_t size = 2U << 20; size <= 64U << 20; size += 2U << 20) buffer.grow_to(size);
}

}  // namespace

int main() {
  bench::Random random(2);
  std::uint64_t growths = 0;
  const std::uint64_t rounds = bench::work(8);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    growths += grow_many(random);
    if (round % 8 == 0) grow_one();
  }
  bench::answer("growths", growths);
}
