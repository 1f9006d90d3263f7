// A C++ plug-in of a C program, loaded for itself alone: its operator new that fails throws bad_alloc as ever.
#include "support.h"

int main(void) {
  must(dlsym(RTLD_DEFAULT, "__cxa_throw") == NULL);
  void* const plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
  if (plugin == NULL) failed(dlerror(), "dlopen", 0);
  int (*const fails)(void) = (int (*)(void))dlsym(plugin, "bad_alloc_is_thrown");
  int (*const handles)(void) = (int (*)(void))dlsym(plugin, "new_handler_is_called");
  int (*const works)(void) = (int (*)(void))dlsym(plugin, "containers_work");
  must(fails != NULL && fails() == 1);
  must(handles != NULL && handles() == 1);
  must(works != NULL && works() == 1);
  return ok();
}
