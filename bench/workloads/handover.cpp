// Producers allocate, consumers look and free: handover THREADS, half of them of each kind. Blocks go over in batches, over
// a queue of at most 16 batches for each pair, so that what is timed is the allocator more than the queue.
#include <array>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>

#include "../support/threads.hpp"

namespace {

constexpr std::size_t kBatch = 256;

struct Batch {
  std::array<void*, kBatch> blocks;
  std::array<std::uint16_t, kBatch> sizes;
};

// A ring of batches that two threads share.
class Queue {
 public:
  Batch& to_fill() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return filled_ - emptied_ < ring_.size(); });
    return ring_[filled_ % ring_.size()];
  }
  void fill() { step(filled_); }
  Batch& to_empty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return filled_ > emptied_; });
    return ring_[emptied_ % ring_.size()];
  }
  void empty() { step(emptied_); }

 private:
  void step(std::size_t& counter) {
    {
      const std::lock_guard lock(mutex_);
      ++counter;
    }
    changed_.notify_one();
  }

  std::array<Batch, 16> ring_{};
  std::size_t filled_ = 0;
  std::size_t emptied_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
};

void produce(Queue& queue, std::size_t batches, std::uint64_t seed) {
  bench::Random random(seed);
  for (std::size_t i = 0; i < batches; ++i) {
    Batch& batch = queue.to_fill();
    for (std::size_t j = 0; j < kBatch; ++j) {
      const std::size_t bytes = random.between(16, 400);
      batch.sizes[j] = static_cast<std::uint16_t>(bytes);
      batch.blocks[j] = bench::stamp(std::malloc(bytes), bytes, j);
    }
    queue.fill();
  }
}

std::uint64_t consume(Queue& queue, std::size_t batches) {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < batches; ++i) {
    Batch& batch = queue.to_empty();
    for (std::size_t j = 0; j < kBatch; ++j) {
      bench::vet(batch.blocks[j], batch.sizes[j], j);
      bytes += batch.sizes[j];
      std::free(batch.blocks[j]);
    }
    queue.empty();
  }
  return bytes;
}

}  // namespace

int main(int count, char** words) {
  const std::size_t pairs = std::max<std::size_t>(bench::argument(count, words, 1, 2) / 2, 1);
  const std::size_t batches = std::max<std::size_t>(bench::work(24'000) / pairs, 1);
  const auto queues = std::make_unique<Queue[]>(pairs);
  std::vector<std::uint64_t> bytes(pairs);
  const double time = bench::together(2 * pairs, [&](std::size_t i) {
    if (i % 2 == 0) {
      produce(queues[i / 2], batches, i);
    } else {
      bytes[i / 2] = consume(queues[i / 2], batches);
    }
  });
  std::uint64_t sum = 0;
  for (const std::uint64_t part : bytes) sum += part;
  bench::figure("ns_per_op", time / static_cast<double>(pairs * batches * kBatch));
  bench::answer("bytes", sum);
}
