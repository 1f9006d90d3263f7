// Threads that start together, so that what is timed is all of them at work.
#pragma once

#include <latch>
#include <thread>
#include <vector>

#include "workload.hpp"

namespace bench {

// Runs body(0) to body(count - 1), each in a thread of its own, and gives the nanoseconds from the start of all to the end
// of the last.
template <class Body>
double together(std::size_t count, const Body& body) {
  std::latch ready(static_cast<std::ptrdiff_t>(count));
  std::latch start(1);
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      ready.count_down();
      start.wait();
      body(i);
    });
  }
  ready.wait();
  const Stopwatch watch;
  start.count_down();
  for (std::thread& thread : threads) thread.join();
  return watch.nanoseconds();
}

}  // namespace bench
