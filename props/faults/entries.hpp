// The functions of the interface by name, so that one program can make the same mistake with each.
#pragma once

#include "fault.h"

struct Entry {
  const char* name;      // as after `each` in the program's first lines
  const char* reported;  // as in the report
  void (*call)(void* block);
};

template <unsigned kCount>
const Entry& entry_named(const Entry (&entries)[kCount], const char* name) {
  for (const Entry& entry : entries) {
    if (name == nullptr || strcmp(entry.name, name) != 0) continue;
    print(STDOUT_FILENO, "call %s\n", entry.reported);
    return entry;
  }
  print(STDERR_FILENO, "no function is called %s\n", name);
  _exit(1);
}

// A block that was freed is handed to the function.
inline int hand_freed_to(const Entry& entry) {
  char* const block = hidden(malloc(100));
  free(block);
  give(block);
  about_freed(block, 100);
  entry.call(hidden(block));
  return ok();
}
