// What plugin_host.c loads.
#include <map>
#include <new>
#include <string>

#include "support.h"

#define PLUGIN_API extern "C" __attribute__((visibility("default")))

namespace {

int calls = 0;

std::size_t huge() { return hidden_size(SIZE_MAX / 2 + 1); }
void give_up() {
  ++calls;
  std::set_new_handler(nullptr);
}

}  // namespace

PLUGIN_API int bad_alloc_is_thrown() {
  try {
    (void)hidden(::operator new(huge()));
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 0;
}

PLUGIN_API int nothrow_is_null() { return ::operator new(huge(), std::nothrow) == nullptr ? 1 : 0; }

PLUGIN_API int new_handler_is_called() {
  std::set_new_handler(give_up);
  return bad_alloc_is_thrown() == 1 ? calls : 0;
}

PLUGIN_API int containers_work() {
  std::map<std::string, std::string> all;
  for (int i = 0; i < 1000; ++i) all[std::to_string(i)] = std::string(static_cast<std::size_t>(i), 'x');
  return all.size() == 1000 && all["999"].size() == 999 ? 1 : 0;
}
