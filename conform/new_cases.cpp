// What C++ says of the operators new and delete. Each is called as the function that it is, so that no compiler may leave
// out a pair of them.
#include <dlfcn.h>

#include <iterator>
#include <new>

#include "blocks.hpp"

namespace trestle::conform {
namespace {

void new_of_zero() {
  void* const one = ::operator new(0);
  void* const other = ::operator new(0);
  require(one != nullptr && other != nullptr, "operator new(0) gave null");
  require(one != other, "operator new(0) gave the same address twice, both live");
  ::operator delete(one);
  ::operator delete(other);
}

void new_gives_blocks() {
  for_each_size([](std::size_t size) {
    const Block blocks[] = {{static_cast<unsigned char*>(::operator new(size)), size, 1},
                            {static_cast<unsigned char*>(::operator new[](size)), size, 2},
                            {static_cast<unsigned char*>(::operator new(size, std::nothrow)), size, 3},
                            {static_cast<unsigned char*>(::operator new[](size, std::nothrow)), size, 4}};
    for (const Block& block : blocks) {
      if (!is_aligned(block.at, owed_alignment(size))) violate("operator new(%zu) gave %p", size, block.at);
      fill(block);
    }
    for (const Block& block : blocks) verify(block, "while it was live beside others");
    ::operator delete(blocks[0].at);
    ::operator delete[](blocks[1].at);
    ::operator delete(blocks[2].at, std::nothrow);
    ::operator delete[](blocks[3].at, std::nothrow);
  });
}

template <class Get>
void require_bad_alloc(const char* function, std::size_t size, const Get& get) {
  try {
    void* const got = get(size);
    violate("%s(%zu) gave %p instead of throwing", function, size, got);
  } catch (const std::bad_alloc&) {
    return;
  }
}

void* new_aligned(std::size_t size) { return ::operator new(size, std::align_val_t{64}); }
void* new_aligned_nothrow(std::size_t size) { return ::operator new(size, std::align_val_t{64}, std::nothrow); }

// The largest come near enough to the end of all numbers that an alignment makes them small: new.aligned_overflow.
constexpr std::size_t kNearEnd = SIZE_MAX - 4096;

void new_throws() {
  for (const std::size_t size : kHugeSizes) {
    require_bad_alloc("operator new", size, [](std::size_t bytes) { return ::operator new(bytes); });
    require_bad_alloc("operator new[]", size, [](std::size_t bytes) { return ::operator new[](bytes); });
    if (size < kNearEnd) require_bad_alloc("aligned operator new", size, new_aligned);
  }
}

void nothrow_new_gives_null() {
  for (const std::size_t size : kHugeSizes) {
    if (hidden(::operator new(size, std::nothrow)) != nullptr) violate("operator new(%zu, nothrow) gave a block", size);
    if (hidden(::operator new[](size, std::nothrow)) != nullptr)
      violate("operator new[](%zu, nothrow) gave a block", size);
    if (size < kNearEnd && hidden(new_aligned_nothrow(size)) != nullptr)
      violate("operator new(%zu, align_val_t{64}, nothrow) gave a block", size);
  }
}

// Whether the C++ library's own operators serve, which call the library's malloc; what they do wrong is not its fault.
bool has_own_new() {
  Dl_info place = {};
  auto* const function = static_cast<void* (*)(std::size_t, std::align_val_t)>(::operator new);
  return dladdr(reinterpret_cast<void*>(function), &place) != 0 && std::strstr(place.dli_fname, "libstdc++") == nullptr;
}

void aligned_new_of_nearly_all() {
  if (!has_own_new()) leave_out("it has no aligned operator new of its own");
  for (const std::size_t size : kHugeSizes) {
    require_bad_alloc("aligned operator new", size, new_aligned);
    if (hidden(new_aligned_nothrow(size)) != nullptr)
      violate("operator new(%zu, align_val_t{64}, nothrow) gave a block", size);
  }
}

volatile int handler_calls = 0;
void give_up_at_third() {
  handler_calls = handler_calls + 1;
  if (handler_calls == 3) std::set_new_handler(nullptr);
}

template <class Get>
void require_handled(const char* function, const Get& get) {
  handler_calls = 0;
  std::set_new_handler(give_up_at_third);
  try {
    if (hidden(get(kHugeSizes[0])) != nullptr) violate("%s gave a block", function);
  } catch (const std::bad_alloc&) {
    std::set_new_handler(nullptr);
  }
  if (handler_calls != 3) violate("%s called the new handler %d times instead of 3", function, handler_calls);
}

void new_calls_the_handler() {
  require_handled("operator new", [](std::size_t size) { return ::operator new(size); });
  require_handled("operator new[]", [](std::size_t size) { return ::operator new[](size); });
  require_handled("operator new(nothrow)", [](std::size_t size) { return ::operator new(size, std::nothrow); });
  require_handled("aligned operator new", new_aligned);
}

void throw_bad_alloc() { throw std::bad_alloc(); }
void handler_may_throw() {
  std::set_new_handler(throw_bad_alloc);
  require(hidden(::operator new(kHugeSizes[0], std::nothrow)) == nullptr,
          "operator new(nothrow) gave a block although its handler threw");
  require_bad_alloc("operator new", kHugeSizes[0], [](std::size_t size) { return ::operator new(size); });
}

void aligned_new_is_aligned() {
  for (std::size_t alignment = 16; alignment <= 65536; alignment *= 2) {
    const std::align_val_t how{alignment};
    for (const std::size_t size : {std::size_t{1}, std::size_t{24}, alignment, alignment * 3 + 1}) {
      const Block blocks[] = {{static_cast<unsigned char*>(::operator new(size, how)), size, 1},
                              {static_cast<unsigned char*>(::operator new[](size, how)), size, 2},
                              {static_cast<unsigned char*>(::operator new(size, how, std::nothrow)), size, 3}};
      for (const Block& block : blocks) {
        if (!is_aligned(block.at, alignment)) violate("new of %zu bytes aligned to %zu: %p", size, alignment, block.at);
        fill(block);
      }
      for (const Block& block : blocks) verify(block, "while it was live beside others");
      ::operator delete(blocks[0].at, how);
      ::operator delete[](blocks[1].at, size, how);
      ::operator delete(blocks[2].at, how, std::nothrow);
    }
  }
}

void sized_delete_deletes() {
  for_each_size([](std::size_t size) {
    ::operator delete(::operator new(size), size);
    ::operator delete[](::operator new[](size), size);
  });
}

void delete_of_null() {
  ::operator delete(nullptr);
  ::operator delete[](nullptr);
  ::operator delete(nullptr, std::size_t{8});
  ::operator delete(nullptr, std::nothrow);
  ::operator delete(nullptr, std::align_val_t{64});
}

constexpr Case kCases[] = {
    {"conformance", "new.zero", "C++20 [basic.stc.dynamic.allocation]", "no bytes: addresses that are not shared",
     new_of_zero},
    {"conformance", "new.gives", "C++20 [new.delete.single], [new.delete.array]", "blocks that are aligned and apart",
     new_gives_blocks},
    {"conformance", "new.throws", "C++20 [new.delete.single]", "bad_alloc where memory lacks", new_throws},
    {"conformance", "new.nothrow", "C++20 [new.delete.single]", "null where memory lacks", nothrow_new_gives_null},
    {"conformance", "new.aligned_overflow", "C++20 [new.delete.single]",
     "bad_alloc or null where size and alignment together overflow", aligned_new_of_nearly_all},
    {"conformance", "new.handler", "C++20 [new.delete.single]", "the new handler is called until there is none",
     new_calls_the_handler},
    {"conformance", "new.handler_throws", "C++20 [new.delete.single]",
     "what the new handler throws becomes null where new may not throw", handler_may_throw},
    {"conformance", "new.aligned", "C++20 [new.delete.single]", "as aligned as asked for", aligned_new_is_aligned},
    {"conformance", "delete.sized", "C++20 [new.delete.single]", "deletes a block of that size", sized_delete_deletes},
    {"conformance", "delete.null", "C++20 [new.delete.single]", "delete of null does nothing", delete_of_null},
};

}  // namespace

constinit const Cases kNewCases{kCases, std::size(kCases)};

}  // namespace trestle::conform
