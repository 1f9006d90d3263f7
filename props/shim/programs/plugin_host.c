//: out bad_alloc_is_thrown\ncontainers_work\nnothrow_is_null\nnew_handler_is_called\nok\n
// A C++ plug-in of a C program, loaded for itself alone: its operator new that fails throws bad_alloc as ever.
#include "support.h"

int main(void) {
  must(dlsym(RTLD_DEFAULT, "__cxa_throw") == NULL);
  void* const plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
  if (plugin == NULL) failed(dlerror(), "dlopen", 0);
  static const char* const promises[] = {"bad_alloc_is_thrown", "containers_work", "nothrow_is_null",
                                         "new_handler_is_called"};
  for (size_t i = 0; i < sizeof promises / sizeof *promises; ++i) {
    int (*const holds)(void) = (int (*)(void))(uintptr_t)dlsym(plugin, promises[i]);
    if (holds == NULL || holds() != 1) failed(promises[i], "plug-in", 0);
    print(STDOUT_FILENO, "%s\n", promises[i]);
  }
  return ok();
}
