// What plugin_host.c loads.
#include <map>
#include <new>
#include <string>

#include "support.h"

#define PLUGIN_API extern "C" __attribute__((visibility("default")))

PLUGIN_API int bad_alloc_is_thrown() {
  int thrown = 0;
  try {
    (void)hidden(::operator new(hidden_size(SIZE_MAX / 2 + 1)));
  } catch (const std::bad_alloc&) {
    ++thrown;
  }
  return ::operator new(hidden_size(SIZE_MAX / 2 + 1), std::nothrow) == nullptr ? thrown : 0;
}

PLUGIN_API int new_handler_is_called() {
  static int calls = 0;
  std::set_new_handler([] {
    ++calls;
    std::set_new_handler(nullptr);
  });
  return ::operator new(hidden_size(SIZE_MAX / 2 + 1), std::nothrow) == nullptr ? calls : 0;
}

PLUGIN_API int containers_work() {
  std::map<std::string, std::string> all;
  for (int i = 0; i < 1000; ++i) all[std::to_string(i)] = std::string(static_cast<std::size_t>(i), 'x');
  return all.size() == 1000 && all["999"].size() == 999 ? 1 : 0;
}
