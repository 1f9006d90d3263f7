/* A library for dlopen: it allocates when it is loaded, and frees that when it is unloaded. */
#include <stdlib.h>
#include <string.h>

static char* own;

__attribute__((constructor)) static void load(void) {
  own = malloc(5000);
  if (own != NULL) memset(own, 1, 5000);
}
__attribute__((destructor)) static void unload(void) { free(own); }

/* Frees the program's block and gives it one of this library's. */
__attribute__((visibility("default"))) void* conform_plugin_swap(void* block, size_t size);
void* conform_plugin_swap(void* block, size_t size) {
  free(block);
  return malloc(size);
}
