// A C++ program that is linked with Trestle: new is Trestle's, and block_heap and bitmap_heap serve buffers of their own.
#include <array>
#include <iostream>
#include <memory>
#include <memory_resource>
#include <numeric>
#include <string>
#include <trestle/trestle.hpp>
#include <vector>

namespace {

int complain(const std::string& what) {
  std::cerr << "consumer.cpp: " << what << '\n';
  return 1;
}

template <class Vector>
bool holds(Vector numbers) {
  for (int i = 1; i <= 1000; ++i) numbers.push_back(i);
  return std::accumulate(numbers.begin(), numbers.end(), 0) == 500500;
}

bool serves_a_buffer() {
  alignas(16) static std::array<std::byte, 1 << 16> buffer;
  trestle::block_heap* const heap = trestle::block_heap::create(buffer.data(), buffer.size(), 42);
  if (heap == nullptr) return false;
  trestle::block_heap_resource resource(*heap);
  if (!holds(std::pmr::vector<int>(&resource))) return false;
  void* const block = heap->allocate(100);
  return block != nullptr && heap->deallocate(block) == TRESTLE_FAULT_NONE &&
         heap->deallocate(block) == TRESTLE_FAULT_DOUBLE_FREE && heap->check() == 0;
}

bool serves_a_few_small_blocks() {
  alignas(16) static std::array<std::byte, 1024> buffer;
  trestle::bitmap_heap* const heap = trestle::bitmap_heap::create(buffer.data(), buffer.size(), 42, 512);
  if (heap == nullptr) return false;
  void* const block = heap->allocate(100);
  return block != nullptr && heap->usable_size(block) == 100 && heap->deallocate(block) == TRESTLE_FAULT_NONE &&
         heap->deallocate(block) == TRESTLE_FAULT_DOUBLE_FREE && heap->check() == 0;
}

}  // namespace

int main(int count, char** words) {
  if (count != 2 || std::string(trestle_policy_name()) != words[1]) return complain("not the policy asked for");
  const auto before = trestle::stats().allocations;
  const auto number = std::make_unique<std::array<int, 50>>();
  if (trestle::stats().allocations <= before) return complain("new is not Trestle's");
  trestle::heap_resource resource;
  if (!holds(std::vector<int, trestle::allocator<int>>())) return complain("trestle::allocator");
  if (!holds(std::pmr::vector<int>(&resource))) return complain("trestle::heap_resource");
  if (!serves_a_buffer()) return complain("trestle::block_heap");
  if (!serves_a_few_small_blocks()) return complain("trestle::bitmap_heap");
  if (trestle::heap_check() != 0) return complain("the heap is not sound");
  std::cout << "served by Trestle, " << words[1] << '\n';
}
