// Calls before main and after it: from the loader's first call into the program, from constructors, and from exit handlers.
// What is early allocates only in the process of its own case.
#include <string.h>
#include <unistd.h>

#include <iterator>

#include "blocks.hpp"

namespace trestle::conform {
namespace {

Block from_preinit;
Block from_constructor;

bool is_of_case(int count, char** words, const char* name) { return count == 2 && strcmp(words[1], name) == 0; }

// Nothing of the program or of its libraries has been set up when this is called, the preloaded library not either.
void preinit(int count, char** words, char**) {
  if (!is_of_case(count, words, "start.preinit")) return;
  from_preinit = {static_cast<unsigned char*>(std::malloc(200)), 200, 1};
  if (from_preinit.at != nullptr) fill(from_preinit);
  std::free(std::calloc(10, 10));
}
[[gnu::section(".preinit_array"), gnu::used]] void (*const preinit_entry)(int, char**, char**) = preinit;

[[gnu::constructor(101)]] void construct(int count, char** words, char**) {
  if (!is_of_case(count, words, "start.constructor")) return;
  from_constructor = {static_cast<unsigned char*>(std::malloc(3000)), 3000, 2};
  if (from_constructor.at != nullptr) fill(from_constructor);
  std::free(std::malloc(10));
}

// The block of an early call, in main.
void use(Block& block, const char* when) {
  if (block.at == nullptr) violate("malloc gave null %s", when);
  const Block later = make(block.size, 9);
  verify(block, "before main");
  auto* const grown = static_cast<unsigned char*>(std::realloc(block.at, block.size * 2));
  if (grown == nullptr) violate("realloc of a block that was allocated %s gave null", when);
  block.at = grown;
  verify(block, "by realloc in main");
  std::free(block.at);
  verify(later, "by a free");
  std::free(later.at);
}

void preinit_allocates() { use(from_preinit, "in the program's preinit_array"); }
void constructor_allocates() { use(from_constructor, "in a constructor"); }

Block kept_until_exit;

// The verdict is told here, which a crash before keeps from being told.
void end_in_handler() {
  verify(kept_until_exit, "before the exit handler");
  std::free(kept_until_exit.at);
  std::free(make(5000, 4).at);
  pass();
}

void exit_handler_allocates() {
  kept_until_exit = make(700, 3);
  if (std::atexit(end_in_handler) != 0) violate("atexit failed");
  std::exit(EXIT_SUCCESS);
}

// The last of the program's own functions that are called, after all exit handlers: those of its destructors.
bool ends_in_destructor = false;
[[gnu::destructor(101)]] void end_in_destructor() {
  if (ends_in_destructor) end_in_handler();
}

void destructor_allocates() {
  kept_until_exit = make(700, 3);
  ends_in_destructor = true;
  std::exit(EXIT_SUCCESS);
}

constexpr Case kCases[] = {
    {"conformance", "start.preinit", "System V gABI, DT_PREINIT_ARRAY", "serves before any library is initialized",
     preinit_allocates},
    {"conformance", "start.constructor", "System V gABI, DT_INIT_ARRAY", "serves in constructors before main",
     constructor_allocates},
    {"conformance", "exit.handler", "C11 7.22.4.4p3", "serves in functions that atexit registered",
     exit_handler_allocates},
    {"conformance", "exit.destructor", "System V gABI, DT_FINI_ARRAY", "serves in destructors after main",
     destructor_allocates},
};

}  // namespace

constinit const Cases kStartCases{kCases, std::size(kCases)};

}  // namespace trestle::conform
