// Limits that a system really has: of address space, of memory that may be written, of mappings. A run under each, whose
// limit then is lifted, after which everything has to be served again.
#pragma once

namespace outside {

struct Limit {
  const char* name;
  bool (*holds)();
};
extern const Limit kLimits[4];

void lift_limits();
// A status of who was started without the library, or not at all: the loader had no room for it.
inline constexpr int kNotLoaded = 127;
[[nodiscard]] bool is_preloaded();
// False, and why on stderr, where it does not.
bool holds(const Limit& limit);

}  // namespace outside
